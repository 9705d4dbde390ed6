import type { TestServer } from '../test-server.js'

/** 'url': the address in POSTGRES_URL. 'compose': the container of docker-compose.yml. */
export type PostgresSource = 'url' | 'embedded' | 'path' | 'compose'

export interface PostgresOptions {
  /**
   * Where the server is to come from. Default 'any': the first of url, embedded, path and compose that is there. A
   * set POSTGRES_URL that does not answer is an error, never a reason to try the next source.
   */
  readonly source?: PostgresSource | 'any'
  /**
   * True where the server is to be killed or measured: it then writes as a production server does (fsync). Default
   * false: what it says is the same, but a loss of power could damage it, and tests run faster. A server that is
   * killed (not the machine) loses nothing either way.
   */
  readonly durable?: boolean
  /**
   * The data directory. It is made if it is not there and kept at the end; the account that runs the server must be
   * able to get there. Default: a temporary one, removed at the end.
   */
  readonly dataDir?: string
  /** Default: a free one. */
  readonly port?: number
  /** Further server settings, e.g. `{ max_connections: '50' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** False: does not say on standard error which server it is. Default true. */
  readonly announce?: boolean
}

export interface PostgresServer extends TestServer {
  readonly source: PostgresSource
  /** `postgres://user@host:port/postgres`, of a superuser where the server was started here. */
  readonly url: string
  /** Undefined if the server is not managed. */
  readonly dataDir: string | undefined
  /** Creates an empty database and resolves with its URL. Default name: `test_` and a random suffix. */
  createDatabase(name?: string): Promise<string>
  /** Drops a database, whoever is connected to it. Nothing happens if there is none of that name. */
  dropDatabase(name: string): Promise<void>
  /** Ends all connections to a database (default: to all databases) on the server's side; resolves with their number. */
  terminateConnections(database?: string): Promise<number>
}
