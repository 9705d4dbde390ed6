// Any failure of an append in evtstore's PostgreSQL providers is reported as a version conflict.
import pg from 'pg'
import {
  createPgProvider,
  limit,
  migrate,
  seats,
  tables,
  VersionError,
} from '../src/support/evtstore.js'
import { emptyDatabase } from '../src/support/postgres.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('a full disk, a missing right or the like is not a VersionError', async () => {
  const client = new pg.Pool({ connectionString: await emptyDatabase() })
  const provider = createPgProvider({ client, ...tables, limit })
  await migrate({ client, ...tables })
  // As a standby or a failed-over primary does.
  await client.query(
    "do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$",
  )
  const readOnly = new pg.Pool({ connectionString: client.options.connectionString })
  const { take } = seats(createPgProvider({ client: readOnly, ...tables, limit }))
  const error = await errorOf(take('seat-1', 'ann'))
  const events = await provider.getEventsFor('seats', 'seat-1')
  await Promise.all([client.end(), readOnly.end()])
  return {
    shown: error instanceof VersionError && events.length === 0,
    observed: `${told(error)} (code ${(error as { code?: string }).code}); the aggregate has ${events.length} events`,
  }
})
