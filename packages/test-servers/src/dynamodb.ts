import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { compose, composeUp } from './compose.js'
import { addressIn, fromSources, type Search } from './from-sources.js'
import { LocalServer } from './local-server.js'
import { onPath } from './on-path.js'
import { notManaged, type TestServer } from './test-server.js'

/** 'url': the address in DYNAMODB_URL. 'npm': DynamoDB Local, run by Java. 'compose': the container of docker-compose.yml. */
export type DynamoDbSource = 'url' | 'npm' | 'compose'

export interface DynamoDbOptions {
  /** Default 'any': the first of url, npm and compose that is there. */
  readonly source?: DynamoDbSource | 'any'
  /** True keeps the tables over `kill()` and `restart()`. Default false: in memory, faster. */
  readonly disk?: boolean
  /** Default: a free one. */
  readonly port?: number
  /** False: does not say on standard error which server it is. Default true. */
  readonly announce?: boolean
}

export interface DynamoDbServer extends TestServer {
  readonly source: DynamoDbSource
  /**
   * For the client's `endpoint`. DynamoDB Local takes any credentials, but it keeps separate tables per access key and
   * region: use `region` and `credentials` to see the same ones.
   */
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

const access = {
  region: 'us-east-1',
  // DynamoDB Local accepts letters and digits only.
  credentials: { accessKeyId: 'annals', secretAccessKey: 'annals' },
} as const

/**
 * Starts a DynamoDB Local, or finds one, and says on standard error which. A server that was started here ends with
 * this process, however that ends, and does not keep it alive.
 * @throws NoServerError if there is none, with the ways to get one.
 */
export function startDynamoDb(options: DynamoDbOptions = {}): Promise<DynamoDbServer> {
  return fromSources(search(options), options.source ?? 'any', options)
}

function search(options: DynamoDbOptions): Search<DynamoDbSource, DynamoDbServer> {
  return {
    server: 'DynamoDB Local',
    variable: 'DYNAMODB_URL',
    sources: {
      url: async () => attach('url', addressIn('DYNAMODB_URL'), 'DYNAMODB_URL'),
      npm: () => startJar(options),
      compose: () => attach('compose', compose.dynamodb, 'docker compose'),
    },
    remedies: [
      'set DYNAMODB_URL to the endpoint of a DynamoDB Local, e.g. http://localhost:8000',
      'install Java 11 or later (apt-get install default-jre-headless); the emulator itself comes with `pnpm install`, in amplify-dynamodb-simulator',
      composeUp,
    ],
  }
}

async function startJar(options: DynamoDbOptions): Promise<DynamoDbServer> {
  const java = javaProgram()
  const here = createRequire(import.meta.url)
  const emulator = join(
    dirname(here.resolve('amplify-dynamodb-simulator/package.json')),
    'emulator',
  )
  const origin = 'npm amplify-dynamodb-simulator'
  const server = new LocalServer('dynamodb')
  const data = join(server.home, 'data')
  mkdirSync(data)
  try {
    await server.start({
      name: `DynamoDB Local from ${origin}`,
      ...(options.port === undefined ? {} : { port: options.port }),
      launch: (port) => ({
        command: java,
        args: [
          // A short life on few cores: the second compiler would cost more than it brings.
          ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx1g'],
          ...['-Djava.library.path=DynamoDBLocal_lib', '-jar', 'DynamoDBLocal.jar'],
          ...['-port', String(port), '-disableTelemetry'],
          ...(options.disk === true ? ['-dbPath', data] : ['-inMemory']),
        ],
        cwd: emulator,
        env: { PATH: process.env.PATH, DDB_LOCAL_TELEMETRY: '0', TMPDIR: server.home },
        graceful: 'SIGTERM',
      }),
      probe: (port) => probe(`http://127.0.0.1:${port}`),
    })
  } catch (error) {
    await server.stop()
    throw error
  }
  const version = /Version:\s*(\S+)/.exec(server.log())?.[1] ?? 'of unknown version'
  return {
    ...access,
    source: 'npm',
    version,
    origin,
    managed: true,
    get endpoint() {
      return `http://127.0.0.1:${server.port}`
    },
    describe: () =>
      `DynamoDB Local ${version} from ${origin} at 127.0.0.1:${server.port} ` +
      `(${options.disk === true ? 'on disk' : 'in memory'})`,
    stop: () => server.stop(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    log: () => server.log(),
  }
}

function javaProgram(): string {
  const home = process.env.JAVA_HOME
  const java = home === undefined || home === '' ? onPath('java') : resolve(home, 'bin', 'java')
  if (java === undefined) throw new Error('no java on the PATH, and JAVA_HOME is not set')
  return java
}

/** It answers a request without a signature with an error of its own, which says that it is there. */
async function probe(endpoint: string): Promise<void> {
  const response = await fetch(endpoint, { signal: AbortSignal.timeout(2000) })
  const body = await response.text()
  if (!body.includes('com.amazonaws.dynamodb')) {
    throw new Error(
      `${endpoint} is no DynamoDB: it answered ${response.status} ${body.slice(0, 80)}`,
    )
  }
}

async function attach(
  source: DynamoDbSource,
  endpoint: string,
  origin: string,
): Promise<DynamoDbServer> {
  await probe(endpoint)
  const version = 'of unknown version' // it does not say it over the wire
  return {
    ...access,
    source,
    endpoint,
    version,
    origin,
    managed: false,
    describe: () => `DynamoDB Local ${version} from ${origin} at ${new URL(endpoint).host}`,
    stop: () => Promise.resolve(),
    kill: () => notManaged('kill', origin),
    restart: () => notManaged('restart', origin),
    log: () => '',
  }
}
