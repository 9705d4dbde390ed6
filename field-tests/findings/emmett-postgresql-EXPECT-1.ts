// Emmett's PostgreSQL store takes an append that expects the stream not to exist, although it does.
import { STREAM_DOES_NOT_EXIST } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { emptyDatabase } from '../src/support/postgres.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('the second append is refused: the stream exists', async () => {
  const store = getPostgreSQLEventStore(await emptyDatabase())
  const opened = [{ type: 'Opened', data: { by: 'ann' } }]
  const expectNothing = { expectedStreamVersion: STREAM_DOES_NOT_EXIST }
  await store.appendToStream('cart-1', opened, expectNothing)
  const error = await errorOf(store.appendToStream('cart-1', opened, expectNothing))
  const { events } = await store.readStream('cart-1')
  await store.close()
  return {
    shown: error === undefined && events.length === 2,
    observed: error ? told(error) : `it succeeded; the stream has ${events.length} events`,
  }
})
