// Emmett's PostgreSQL store gives one event more than `maxCount` where `from` is set to 1 or above.
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { emptyDatabase } from '../src/support/postgres.js'
import { show } from '../src/support/show.js'

await show('`from: 3n, maxCount: 2n` gives the events 3 and 4', async () => {
  const store = getPostgreSQLEventStore(await emptyDatabase())
  await store.appendToStream(
    'log-1',
    Array.from({ length: 6 }, () => ({ type: 'Noted', data: {} })),
  )
  const { events } = await store.readStream('log-1', { from: 3n, maxCount: 2n })
  await store.close()
  const positions = events.map((e) => e.metadata.streamPosition)
  return { shown: positions.length === 3, observed: `the events ${positions.join(', ')}` }
})
