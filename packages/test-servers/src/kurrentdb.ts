import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { compose, composeUp } from './compose.js'
import { addressIn, fromSources, type Search } from './from-sources.js'
import { LocalServer } from './local-server.js'
import { onPath } from './on-path.js'
import { notManaged, type TestServer } from './test-server.js'

const run = promisify(execFile)

/** 'url': the connection string in KURRENTDB_URL. 'path': a program on the PATH. 'compose': the container of docker-compose.yml. */
export type KurrentDbSource = 'url' | 'path' | 'compose'

export interface KurrentDbOptions {
  /** Default 'any': the first of url, path and compose that is there. */
  readonly source?: KurrentDbSource | 'any'
  /** True keeps the data over `kill()` and `restart()`. Default false: in memory. */
  readonly disk?: boolean
  /** Default: a free one. */
  readonly port?: number
  /** Further server options by their names without prefix, e.g. `{ MAX_APPEND_SIZE: '65536' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** False: does not say on standard error which server it is. Default true. */
  readonly announce?: boolean
}

export interface KurrentDbServer extends TestServer {
  readonly source: KurrentDbSource
  /** The connection string, e.g. `kurrentdb://127.0.0.1:2113?tls=false`. */
  readonly url: string
}

/**
 * Starts a KurrentDB (or EventStoreDB, its earlier name), or finds one, and says on standard error which. A server
 * that was started here ends with this process, however that ends, and does not keep it alive.
 * @throws NoServerError if there is none, with the ways to get one.
 */
export function startKurrentDb(options: KurrentDbOptions = {}): Promise<KurrentDbServer> {
  return fromSources(search(options), options.source ?? 'any', options)
}

function search(options: KurrentDbOptions): Search<KurrentDbSource, KurrentDbServer> {
  return {
    server: 'KurrentDB',
    variable: 'KURRENTDB_URL',
    sources: {
      url: async () => attach('url', addressIn('KURRENTDB_URL'), 'KURRENTDB_URL'),
      path: () => startProgram(options),
      compose: () => attach('compose', compose.kurrentdb, 'docker compose'),
    },
    remedies: [
      'set KURRENTDB_URL to the connection string of a server for tests, e.g. kurrentdb://localhost:2113?tls=false',
      'install KurrentDB or EventStoreDB (https://docs.kurrent.io/server/latest/quick-start/installation), with kurrentdb or eventstored on the PATH',
      composeUp,
    ],
  }
}

async function startProgram(options: KurrentDbOptions): Promise<KurrentDbServer> {
  const names = ['kurrentdb', 'eventstored', 'EventStore.ClusterNode']
  const program = onPath(...names)
  if (program === undefined) throw new Error(`none of ${names.join(', ')} on the PATH`)
  const { product, version } = await identify(program)
  const origin = `${program} on the PATH`
  const server = new LocalServer('kurrentdb')
  try {
    await server.start({
      name: `${product} ${version} from ${origin}`,
      ...(options.port === undefined ? {} : { port: options.port }),
      launch: (port) => ({
        command: program,
        args: [],
        cwd: server.home,
        env: { ...process.env, ...environment(product, version, port, server.home, options) },
        graceful: 'SIGTERM',
      }),
      probe: (port) => live(`http://127.0.0.1:${port}`),
    })
  } catch (error) {
    await server.stop()
    throw error
  }
  return {
    source: 'path',
    version,
    origin,
    managed: true,
    get url() {
      return `kurrentdb://127.0.0.1:${server.port}?tls=false`
    },
    describe: () =>
      `${product} ${version} from ${origin} at 127.0.0.1:${server.port} ` +
      `(${options.disk === true ? 'on disk' : 'in memory'})`,
    stop: () => server.stop(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    log: () => server.log(),
  }
}

type Product = 'KurrentDB' | 'EventStoreDB'

async function identify(program: string): Promise<{ product: Product; version: string }> {
  const { stdout } = await run(program, ['--version'])
  const version = /\d+\.\d+\.\d+/.exec(stdout)?.[0]
  if (version === undefined) throw new Error(`${program} --version said: ${stdout.trim()}`)
  return { product: /kurrent/i.test(stdout) ? 'KurrentDB' : 'EventStoreDB', version }
}

/**
 * The server's options as environment variables, which every version knows, while flags have come and gone. It opens
 * only the one port that clients use, on the loopback interface, which is where it listens unless told otherwise.
 */
function environment(
  product: Product,
  version: string,
  port: number,
  home: string,
  options: KurrentDbOptions,
): NodeJS.ProcessEnv {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  // The option's name changed in 23.10, together with the meaning of "node" instead of "external" and "http".
  const portOption = major > 23 || (major === 23 && minor >= 10) ? 'NODE_PORT' : 'HTTP_PORT'
  const all: Record<string, string> = {
    INSECURE: 'true',
    [portOption]: String(port),
    RUN_PROJECTIONS: 'None',
    TELEMETRY_OPTOUT: 'true',
    LOG: join(home, 'logs'),
    DISABLE_LOG_FILE: 'true', // it writes to standard output, which we keep
    STATS_PERIOD_SEC: '0', // statistics would fill the log
    ...(options.disk === true
      ? { DB: join(home, 'db'), STREAM_EXISTENCE_FILTER_SIZE: '0' } // made for hundreds of millions of streams
      : { MEM_DB: 'true' }),
    ...options.settings,
  }
  const prefix = product === 'KurrentDB' ? 'KURRENTDB' : 'EVENTSTORE'
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [`${prefix}_${name}`, value]),
  )
}

/** Ready as its own health check says: it answers 204 when it is alive, and is a leader a moment later. */
async function live(address: string): Promise<void> {
  const health = await fetch(`${address}/health/live`, { signal: AbortSignal.timeout(2000) })
  if (health.status !== 204) throw new Error(`${address}/health/live answered ${health.status}`)
  const { state } = await info(address)
  if (state !== 'leader') throw new Error(`the server is "${state}", not yet the leader`)
}

async function info(address: string): Promise<{ version: string; state: string }> {
  const response = await fetch(`${address}/info`, { signal: AbortSignal.timeout(2000) })
  if (!response.ok) throw new Error(`${address}/info answered ${response.status}`)
  const told = (await response.json()) as {
    esVersion?: string
    dbVersion?: string
    state?: string
  }
  return {
    version: told.dbVersion ?? told.esVersion ?? 'of unknown version',
    state: told.state ?? 'unknown',
  }
}

async function attach(
  source: KurrentDbSource,
  url: string,
  origin: string,
): Promise<KurrentDbServer> {
  const address = httpAddress(url)
  const { version } = await info(address)
  const product = url.startsWith('esdb') ? 'EventStoreDB' : 'KurrentDB'
  return {
    source,
    url,
    version,
    origin,
    managed: false,
    describe: () => `${product} ${version} from ${origin} at ${new URL(address).host}`,
    stop: () => Promise.resolve(),
    kill: () => notManaged('kill', origin),
    restart: () => notManaged('restart', origin),
    log: () => '',
  }
}

/** Where the server of a connection string answers plain HTTP requests: the first of its nodes. */
function httpAddress(connectionString: string): string {
  const parts = /^[a-z+]+:\/\/(?:[^@/]*@)?([^/?,]+)/i.exec(connectionString)
  if (parts?.[1] === undefined) {
    throw new Error(`KURRENTDB_URL is no connection string: ${connectionString}`)
  }
  const scheme = /[?&]tls=false\b/i.test(connectionString) ? 'http' : 'https'
  return `${scheme}://${parts[1].includes(':') ? parts[1] : `${parts[1]}:2113`}`
}
