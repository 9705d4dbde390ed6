import { startPostgres } from '@annals/test-servers'
import pg from 'pg'

let server: ReturnType<typeof startPostgres> | undefined

/** An empty database on a real PostgreSQL: the one in POSTGRES_URL, or one that is started here. */
export async function emptyDatabase(): Promise<string> {
  server ??= startPostgres({ announce: false })
  return (await server).createDatabase()
}

/** Waits until a session of this database waits for a lock. */
export async function untilSomebodyWaits(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    for (;;) {
      const { rows } = await client.query(
        "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      )
      if (rows.length > 0) return
    }
  } finally {
    await client.end()
  }
}
