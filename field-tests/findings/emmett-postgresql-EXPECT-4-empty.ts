// An append without events is reported as a version conflict by Emmett's PostgreSQL store.
import { EmmettError } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { emptyDatabase } from '../src/support/postgres.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('an append of no events does nothing, or is refused for what it is', async () => {
  const store = getPostgreSQLEventStore(await emptyDatabase())
  const error = await errorOf(store.appendToStream('log-1', []))
  await store.close()
  return {
    shown: EmmettError.isInstanceOf(error, EmmettError.Codes.ConcurrencyError),
    observed: told(error),
  }
})
