// evtstore's `migrate` for a pg pool succeeds although it made nothing.
import pg from 'pg'
import { migrate, tables } from '../src/support/evtstore.js'
import { emptyDatabase } from '../src/support/postgres.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('migrate fails where it may not make tables', async () => {
  const client = new pg.Pool({
    connectionString: await emptyDatabase(),
    options: '-c default_transaction_read_only=on',
  })
  const error = await errorOf(migrate({ client, ...tables }))
  const { rows } = await client.query("select to_regclass('events') as events")
  await client.end()
  return {
    shown: error === undefined && rows[0].events === null,
    observed: error ? told(error) : `it succeeded, and there is no table "events"`,
  }
})
