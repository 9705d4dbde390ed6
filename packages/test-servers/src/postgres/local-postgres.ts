import { execFile } from 'node:child_process'
import { chownSync, existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { LocalServer } from '../local-server.js'
import type { Account } from '../unprivileged.js'
import { PostgresAdmin } from './admin.js'
import type { PostgresBinaries } from './binaries.js'
import type { PostgresOptions, PostgresServer, PostgresSource } from './postgres-server.js'

const run = promisify(execFile)

/** Starts a PostgreSQL that ends with us, on a data directory that is made if it is not there. */
export async function startLocalPostgres(
  source: PostgresSource,
  binaries: PostgresBinaries,
  account: Account | undefined,
  options: PostgresOptions,
): Promise<PostgresServer> {
  const { version, origin } = binaries
  const server = new LocalServer('postgres')
  const dataDir = resolve(options.dataDir ?? join(server.home, 'data'))
  try {
    if (account !== undefined) chownSync(server.home, account.uid, account.gid)
    await initialise(binaries, account, options, dataDir)
    await server.start({
      name: `PostgreSQL ${version} from ${origin}`,
      ...(options.port === undefined ? {} : { port: options.port }),
      launch: (port) => ({
        command: binaries.postgres,
        args: ['-D', dataDir, '-p', String(port), ...settings(options)],
        cwd: server.home,
        env: environment(),
        ...account,
        graceful: 'SIGINT', // "fast shutdown": ends the sessions instead of waiting for them
      }),
      probe: (port) => new PostgresAdmin(address(port)).version(),
    })
  } catch (error) {
    await server.stop()
    throw error
  }
  const admin = () => new PostgresAdmin(address(server.port))
  return {
    source,
    version,
    origin,
    managed: true,
    dataDir,
    get url() {
      return address(server.port)
    },
    describe: () =>
      `PostgreSQL ${version} from ${origin} at 127.0.0.1:${server.port} ` +
      `(${options.durable === true ? 'durable' : 'fsync off'})`,
    createDatabase: (name) => admin().createDatabase(name),
    dropDatabase: (name) => admin().dropDatabase(name),
    terminateConnections: (database) => admin().terminateConnections(database),
    stop: () => server.stop(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    log: () => server.log(),
  }
}

function address(port: number): string {
  return `postgres://postgres@127.0.0.1:${port}/postgres`
}

function settings(options: PostgresOptions): string[] {
  const all: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...(options.durable === true ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

async function initialise(
  binaries: PostgresBinaries,
  account: Account | undefined,
  options: PostgresOptions,
  dataDir: string,
): Promise<void> {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  if (account !== undefined) chownSync(dataDir, account.uid, account.gid)
  const args = [
    `--pgdata=${dataDir}`,
    '--username=postgres',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    ...(options.durable === true ? [] : ['--no-sync']),
  ]
  await run(binaries.initdb, args, { ...account, cwd: dataDir, env: environment() })
}

function environment(): NodeJS.ProcessEnv {
  // Messages in English whatever the machine speaks, and none of the PG* variables that change what is started.
  return { PATH: process.env.PATH, LC_ALL: 'C', LC_MESSAGES: 'C', TZ: 'UTC' }
}
