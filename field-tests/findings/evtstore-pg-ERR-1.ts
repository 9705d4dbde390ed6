// A connection that is lost while evtstore appends ends the process: the client that it took from the pool has nobody
// who listens for its errors.
import pg from 'pg'
import { createPgProvider, limit, migrate, seats, tables } from '../src/support/evtstore.js'
import { emptyDatabase, untilSomebodyWaits } from '../src/support/postgres.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('the command fails, and that is all', async () => {
  const url = await emptyDatabase()
  const client = new pg.Pool({ connectionString: url })
  client.on('error', () => {}) // of idle connections, as pg's documentation asks for
  await migrate({ client, ...tables })
  const uncaught: unknown[] = []
  process.on('uncaughtException', (error) => uncaught.push(error))

  const admin = new pg.Client(url)
  await admin.connect()
  await admin.query('begin')
  await admin.query('lock table events in share row exclusive mode')
  const { take } = seats(createPgProvider({ client, ...tables, limit }))
  const taken = errorOf(take('seat-1', 'ann'))
  await untilSomebodyWaits(url)
  // As a failover or an administrator does.
  await admin.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  const error = await taken
  await new Promise((resolve) => setImmediate(resolve))
  await admin.end()
  return {
    shown: uncaught.length > 0,
    observed: `the command: ${told(error)}; uncaught, which ends a process: ${uncaught.map(told).join('; ') || 'nothing'}`,
  }
})
