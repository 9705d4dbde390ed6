// A connection that is lost while Emmett's PostgreSQL store appends ends the process: the client that it took from its
// own pool has nobody who listens for its errors.
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import pg from 'pg'
import { emptyDatabase, untilSomebodyWaits } from '../src/support/postgres.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('the append fails, and that is all', async () => {
  const url = await emptyDatabase()
  const store = getPostgreSQLEventStore(url)
  await store.schema.migrate()
  const uncaught: unknown[] = []
  process.on('uncaughtException', (error) => uncaught.push(error))

  const admin = new pg.Client(url)
  await admin.connect()
  await admin.query('begin')
  await admin.query('lock table emt_streams in share row exclusive mode')
  const appended = errorOf(store.appendToStream('cart-1', [{ type: 'Opened', data: {} }]))
  await untilSomebodyWaits(url)
  // As a failover or an administrator does.
  await admin.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  const error = await appended
  await new Promise((resolve) => setImmediate(resolve))
  await admin.end()
  return {
    shown: uncaught.length > 0,
    observed: `the append: ${told(error)}; uncaught, which ends a process: ${uncaught.map(told).join('; ') || 'nothing'}`,
  }
})
