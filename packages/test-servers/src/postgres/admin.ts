import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** What is done to a server through its own SQL, one short connection each. */
export class PostgresAdmin {
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  /** The server's version, as it says it itself. */
  version(): Promise<string> {
    return this.#use(async (client) => {
      const { rows } = await client.query<{ server_version: string }>('show server_version')
      // Debian's builds say '15.13 (Debian 15.13-0+deb12u1)'.
      return rows[0]?.server_version.split(' ')[0] ?? 'unknown'
    })
  }

  async createDatabase(name = `test_${randomBytes(6).toString('hex')}`): Promise<string> {
    await this.#use((client) => client.query(`create database ${pg.escapeIdentifier(name)}`))
    const url = new URL(this.#url)
    url.pathname = `/${encodeURIComponent(name)}`
    return url.href
  }

  async dropDatabase(name: string): Promise<void> {
    await this.#use((client) =>
      client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`),
    )
  }

  terminateConnections(database?: string): Promise<number> {
    return this.#use(async (client) => {
      const { rowCount } = await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where pid <> pg_backend_pid() and backend_type = 'client backend'
           and ($1::text is null or datname = $1)`,
        [database ?? null],
      )
      return rowCount ?? 0
    })
  }

  async #use<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.#url, connectionTimeoutMillis: 5000 })
    client.on('error', () => {}) // the query tells
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end().catch(() => {})
    }
  }
}
