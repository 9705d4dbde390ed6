import { execFile } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../free-port.js'
import { reasonOf } from '../no-server-error.js'
import { Supervised, tail } from '../supervised.js'
import type { Account } from '../unprivileged.js'
import { PostgresAdmin } from './admin.js'
import type { PostgresBinaries } from './binaries.js'
import type { PostgresOptions, PostgresServer, PostgresSource } from './postgres-server.js'

const run = promisify(execFile)
const startPatience = 60_000

/** A PostgreSQL that was started here and ends with us. */
export class LocalPostgres implements PostgresServer {
  readonly managed = true
  readonly source: PostgresSource
  readonly version: string
  readonly origin: string
  readonly dataDir: string
  readonly #binaries: PostgresBinaries
  readonly #account: Account | undefined
  readonly #options: PostgresOptions
  readonly #home: string
  #port = 0
  #process: Supervised | undefined

  private constructor(
    source: PostgresSource,
    binaries: PostgresBinaries,
    account: Account | undefined,
    options: PostgresOptions,
  ) {
    this.source = source
    this.version = binaries.version
    this.origin = binaries.origin
    this.#binaries = binaries
    this.#account = account
    this.#options = options
    this.#home = mkdtempSync(join(tmpdir(), 'annals-postgres-'))
    if (account !== undefined) chownSync(this.#home, account.uid, account.gid)
    this.dataDir = resolve(options.dataDir ?? join(this.#home, 'data'))
  }

  static async start(
    source: PostgresSource,
    binaries: PostgresBinaries,
    account: Account | undefined,
    options: PostgresOptions,
  ): Promise<LocalPostgres> {
    const server = new LocalPostgres(source, binaries, account, options)
    try {
      await server.#initialise()
      await server.#start(options.port)
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`
  }

  describe(): string {
    const writes = this.#options.durable === true ? 'durable' : 'fsync off'
    return `PostgreSQL ${this.version} from ${this.origin} at 127.0.0.1:${this.#port} (${writes})`
  }

  createDatabase(name?: string): Promise<string> {
    return new PostgresAdmin(this.url).createDatabase(name)
  }

  dropDatabase(name: string): Promise<void> {
    return new PostgresAdmin(this.url).dropDatabase(name)
  }

  terminateConnections(database?: string): Promise<number> {
    return new PostgresAdmin(this.url).terminateConnections(database)
  }

  async stop(): Promise<void> {
    if (this.#process === undefined) this.#process = await this.#nothing()
    await this.#process.stop(true)
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  async restart(): Promise<void> {
    await this.#process?.stop(false)
    await this.#start(this.#port)
  }

  log(): string {
    return tail(this.#logFile)
  }

  get #logFile(): string {
    return join(this.#home, 'log')
  }

  async #initialise(): Promise<void> {
    if (existsSync(join(this.dataDir, 'PG_VERSION'))) return
    mkdirSync(this.dataDir, { recursive: true, mode: 0o700 })
    if (this.#account !== undefined) {
      chownSync(this.dataDir, this.#account.uid, this.#account.gid)
    }
    const args = [
      `--pgdata=${this.dataDir}`,
      '--username=postgres',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
      ...(this.#options.durable === true ? [] : ['--no-sync']),
    ]
    await run(this.#binaries.initdb, args, { ...this.#account, cwd: this.#home, env: this.#env })
  }

  async #start(port?: number): Promise<void> {
    const settings: Record<string, string> = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '200',
      ...(this.#options.durable === true ? {} : { fsync: 'off', full_page_writes: 'off' }),
      ...this.#options.settings,
    }
    const deadline = Date.now() + startPatience
    for (;;) {
      this.#port = port ?? (await freePort())
      const process = await Supervised.start({
        command: this.#binaries.postgres,
        args: [
          ...['-D', this.dataDir, '-p', String(this.#port)],
          ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
        ],
        cwd: this.#home,
        env: this.#env,
        ...this.#account,
        log: this.#logFile,
        graceful: 'SIGINT', // "fast shutdown": ends the sessions instead of waiting for them
        cleanup: [this.#home],
      })
      this.#process = process
      const failure = await this.#ready(process, deadline)
      if (failure === undefined) return
      await process.stop(false)
      const taken = port === undefined && /Address already in use/i.test(this.log())
      if (!taken || Date.now() > deadline) {
        throw new Error(
          `PostgreSQL ${this.version} from ${this.origin} did not start: ${failure}\n${this.log()}`,
        )
      }
    }
  }

  /** Undefined once the server answers, else why it does not. */
  async #ready(process: Supervised, deadline: number): Promise<string | undefined> {
    const admin = new PostgresAdmin(this.url)
    for (;;) {
      const outcome = await Promise.race([
        process.exited.then((reason) => ({ ended: reason })),
        admin.version().then(
          () => 'ready' as const,
          (error: unknown) => ({ failed: reasonOf(error) }),
        ),
      ])
      // Somebody else may have got the port first; then it is not our server that answers.
      if (outcome === 'ready') {
        await new Promise((resolve) => setImmediate(resolve))
        return process.ended ? 'it ended as soon as it started' : undefined
      }
      if ('ended' in outcome) return outcome.ended
      if (Date.now() > deadline) return outcome.failed
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** A supervisor without a server, that only removes what was made. */
  #nothing(): Promise<Supervised> {
    return Supervised.start({
      command: process.execPath,
      args: ['--version'],
      cwd: tmpdir(),
      env: {},
      log: this.#logFile,
      graceful: 'SIGTERM',
      cleanup: [this.#home],
    })
  }

  get #env(): NodeJS.ProcessEnv {
    // Messages in English whatever the machine speaks, and none of the PG* variables that change what is started.
    return { PATH: process.env.PATH, LC_ALL: 'C', LC_MESSAGES: 'C', TZ: 'UTC' }
  }
}
