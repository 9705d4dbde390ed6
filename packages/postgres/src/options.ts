import type { StoreOptions } from '@annals/core'

/** What the store uses of a connection: `pg`'s Client and PoolClient have it. */
export interface PgClient {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** What the store uses of a pool: `pg`'s Pool has it, and so has whatever offers pg's `query` and `connect`. */
export interface PgPool extends PgClient {
  connect(): Promise<PgPoolClient>
}

export interface PgPoolClient extends PgClient {
  /** With an error (or true) the connection is closed instead of used again. */
  release(error?: Error | boolean): void
}

/** What the store uses of a PGlite instance. */
export interface PGliteLike {
  query(
    text: string,
    values?: unknown[],
    options?: { rowMode?: 'array'; parsers?: Record<number, (value: string) => unknown> },
  ): Promise<{ rows: unknown[] }>
  exec(text: string): Promise<unknown>
  transaction<T>(work: (transaction: PGliteTransaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface PGliteTransaction extends Pick<PGliteLike, 'query' | 'exec'> {}

interface CommonOptions extends StoreOptions {
  /** The schema that holds the store's tables and functions. Default: 'annals'. Several stores can share a database. */
  readonly schema?: string | undefined
  /**
   * Whether subscriptions of other processes are woken by LISTEN and NOTIFY, and this one's by theirs. A connection of
   * its own (one of the pool's, where that is not `pg`'s Pool) listens while something is subscribed. Where notifications do not arrive, as behind a proxy that pools
   * transactions, that is found out and polling serves (up to a second later). Default: true.
   */
  readonly listen?: boolean | undefined
  /**
   * Whether the store's few statements are prepared by name. A proxy that pools transactions and does not know about
   * prepared statements refuses them; the store then goes on without by itself. Default: true.
   */
  readonly prepare?: boolean | undefined
  /**
   * After how many milliseconds without a statement the server ends a transaction of `transaction()`, so that a process
   * that has hung or lost its network cannot hold readers back for longer. Default: 60,000.
   */
  readonly transactionIdleTimeoutMs?: number | undefined
}

/** Exactly one of `pool`, `connectionString` and `pglite`. */
export type PostgresStoreOptions = CommonOptions &
  (
    | {
        /**
         * A `pg` Pool. It stays the caller's: `close()` leaves it open. Set its `connectionTimeoutMillis`: without, a
         * connection whose other end goes while it is made keeps its place in the pool until TCP gives up.
         */
        readonly pool: PgPool
        readonly connectionString?: undefined
        readonly pglite?: undefined
      }
    | {
        /**
         * `postgres://user:password@host:5432/database`. The store opens a pool of its own, and closes it. A connection that
         * is not made within `attemptTimeoutMs` (at least 1 second, at most 10) is given up.
         */
        readonly connectionString: string
        /** Connections at most. Default: 10. */
        readonly maxConnections?: number | undefined
        readonly pool?: undefined
        readonly pglite?: undefined
      }
    | {
        /**
         * PGlite, PostgreSQL in the process: a folder, `memory://`, or an instance. An instance stays the caller's. Needs the
         * package `@electric-sql/pglite`.
         */
        readonly pglite: string | PGliteLike
        readonly pool?: undefined
        readonly connectionString?: undefined
      }
  )

export const defaultSchema = 'annals'
