// Emmett's PostgreSQL store takes an append that expects the stream to exist, although it does not.
import { STREAM_EXISTS } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { emptyDatabase } from '../src/support/postgres.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('the append is refused: the stream does not exist', async () => {
  const store = getPostgreSQLEventStore(await emptyDatabase())
  const error = await errorOf(
    store.appendToStream('cart-1', [{ type: 'Added', data: { item: 'shoes' } }], {
      expectedStreamVersion: STREAM_EXISTS,
    }),
  )
  const { events } = await store.readStream('cart-1')
  await store.close()
  return {
    shown: error === undefined && events.length === 1,
    observed: error ? told(error) : `it succeeded; the stream has ${events.length} event`,
  }
})
