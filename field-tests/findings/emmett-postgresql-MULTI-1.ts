// What is appended in a session of Emmett's PostgreSQL store stays, although the session fails.
import { STREAM_DOES_NOT_EXIST } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { emptyDatabase } from '../src/support/postgres.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('neither of the two streams is written ("Both succeed or both fail")', async () => {
  const store = getPostgreSQLEventStore(await emptyDatabase())
  const moved = { type: 'Moved', data: { amount: 10 } }
  const error = await errorOf(
    store.withSession(async ({ eventStore: session }) => {
      await session.appendToStream('Cart-1', [moved], {
        expectedStreamVersion: STREAM_DOES_NOT_EXIST,
      })
      await session.appendToStream('Cart-2', [moved], { expectedStreamVersion: 7n })
    }),
  )
  const [first, second] = await Promise.all([
    store.readStream('Cart-1'),
    store.readStream('Cart-2'),
  ])
  await store.close()
  return {
    shown: error !== undefined && first.events.length === 1 && second.events.length === 0,
    observed: `the session failed (${told(error)}); Cart-1 has ${first.events.length} event, Cart-2 has ${second.events.length}`,
  }
})
