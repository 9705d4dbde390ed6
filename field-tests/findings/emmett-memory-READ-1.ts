// `from` means one event later in Emmett's in-memory store than in its PostgreSQL store and in its own stream positions.
import { getInMemoryEventStore } from '@event-driven-io/emmett'
import { show } from '../src/support/show.js'

await show('`from: 3n` begins with the event at stream position 3', async () => {
  const store = getInMemoryEventStore()
  await store.appendToStream(
    'log-1',
    Array.from({ length: 6 }, () => ({ type: 'Noted', data: {} })),
  )
  const { events } = await store.readStream('log-1', { from: 3n })
  const first = events[0]?.metadata.streamPosition
  return { shown: first === 4n, observed: `it begins with the event at stream position ${first}` }
})
