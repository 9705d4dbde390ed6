// A version conflict of Emmett's PostgreSQL store does not tell the stream's version.
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { emptyDatabase } from '../src/support/postgres.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('the error carries 3, the version of the stream', async () => {
  const store = getPostgreSQLEventStore(await emptyDatabase())
  const noted = { type: 'Noted', data: {} }
  await store.appendToStream('log-1', [noted, noted, noted])
  const error = await errorOf(store.appendToStream('log-1', [noted], { expectedStreamVersion: 7n }))
  await store.close()
  const current = (error as { current?: string }).current
  return { shown: current === '-1', observed: `current is ${current} in "${told(error)}"` }
})
