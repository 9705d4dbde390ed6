import { setTimeout as sleep } from 'node:timers/promises'
import { type PostgresOptions, type PostgresServer, startPostgres } from '@annals/test-servers'
import pg from 'pg'
import { type PostgresEventStore, postgresStore } from '../../src/index.js'
import { alterFunction } from './alter-function.js'

type Options = Omit<Parameters<typeof postgresStore>[0], 'pool' | 'connectionString' | 'pglite'>

/** A real server for a file of tests: each test gets a schema of its own. */
export class TestDatabase {
  readonly admin: pg.Pool
  readonly #closing: (() => Promise<unknown>)[] = []
  #schemas = 0

  private constructor(readonly server: PostgresServer) {
    this.admin = new pg.Pool({ connectionString: server.url, max: 20 })
    this.admin.on('error', () => {})
  }

  static async start(options: PostgresOptions = {}): Promise<TestDatabase> {
    return new TestDatabase(await startPostgres({ source: 'embedded', ...options }))
  }

  get url(): string {
    return this.server.url
  }

  /** An empty, migrated store in a schema of its own. */
  async create(options: Options = {}): Promise<{ store: PostgresEventStore; schema: string }> {
    const schema = options.schema ?? `s${++this.#schemas}`
    const store = this.open(schema, options)
    await store.migrate()
    return { store, schema }
  }

  open(schema: string, options: Options & { url?: string } = {}): PostgresEventStore {
    const { url = this.url, ...rest } = options
    const store = postgresStore({ ...rest, schema, connectionString: url })
    this.#closing.push(() => store.close())
    return store
  }

  /** A connection of its own. */
  async client(url = this.url): Promise<pg.Client> {
    const client = new pg.Client(url)
    client.on('error', () => {})
    await client.connect()
    this.#closing.push(() => client.end().catch(() => {}))
    return client
  }

  onClose(close: () => Promise<unknown>): void {
    this.#closing.push(close)
  }

  /** Changes a function of the store, to show that a test notices. */
  async alter(schema: string, name: string, from: string | RegExp, to: string): Promise<void> {
    await alterFunction(this.admin, schema, name, from, to)
  }

  /** Somebody waits at the gate. */
  reached(key: number): Promise<void> {
    return this.waiting(gateClass, key)
  }

  /** Somebody waits for an advisory lock of this class, and of this key where one is named. */
  async waiting(lockClass: number, key?: number): Promise<void> {
    for (;;) {
      const { rows } = await this.admin.query(
        `select 1 from pg_locks where locktype = 'advisory' and classid = $1 and objid = coalesce($2, objid) and not granted`,
        [lockClass, key],
      )
      if (rows.length > 0) return
      await sleep(2)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing.map((close) => close()))
    await this.admin.end()
    await this.server.stop()
  }
}

export const gateClass = 777

/** SQL that waits while the test holds the gate. */
export const gateSql = (key: number) =>
  `perform pg_advisory_xact_lock_shared(${gateClass}, ${key});`

/** Closes a gate; resolves with the function that opens it. */
export async function closeGate(database: TestDatabase, key: number): Promise<() => Promise<void>> {
  const client = await database.admin.connect()
  await client.query('select pg_advisory_lock($1, $2)', [gateClass, key])
  let closed = true
  return async () => {
    if (!closed) return
    closed = false
    await client.query('select pg_advisory_unlock($1, $2)', [gateClass, key])
    client.release()
  }
}
