// A transaction of somebody else, in another table of another database of the server, holds back the consumers of
// Emmett's PostgreSQL store for as long as it is open.
import { dumbo } from '@event-driven-io/dumbo'
import { getPostgreSQLEventStore, readMessagesBatch } from '@event-driven-io/emmett-postgresql'
import pg from 'pg'
import { emptyDatabase } from '../src/support/postgres.js'
import { show } from '../src/support/show.js'

await show('an acknowledged event is read while somebody else has a transaction open', async () => {
  const url = await emptyDatabase()
  const elsewhere = new pg.Client(url.replace(/\/[^/]*$/, '/postgres'))
  await elsewhere.connect()
  await elsewhere.query('create temporary table elsewhere (n int)')
  const store = getPostgreSQLEventStore(url)
  const { execute, close } = dumbo({ connectionString: url })
  const read = async () =>
    (await readMessagesBatch(execute, { after: 0n, batchSize: 10 })).messages.length
  await store.schema.migrate()

  await elsewhere.query('begin')
  await elsewhere.query('insert into elsewhere values (1)')
  await store.appendToStream('log-1', [{ type: 'Noted', data: {} }])
  const during = await read()
  await elsewhere.query('commit')
  const after = await read()

  await Promise.all([elsewhere.end(), store.close(), close()])
  return {
    shown: during === 0 && after === 1,
    observed: `${during} events are readable while it is open, ${after} when it has ended`,
  }
})
