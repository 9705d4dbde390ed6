import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.js'
import { reasonOf } from './no-server-error.js'
import { type Launch, Supervisor } from './supervisor.js'

const startPatience = 60_000

/** How one kind of server is run. */
export interface LocalServerKind {
  /** Server and origin, for messages. */
  readonly name: string
  /** Default: a free port. */
  readonly port?: number
  launch(port: number): Omit<Launch, 'log'>
  /** Rejects until the server at this port takes requests. */
  probe(port: number): Promise<unknown>
}

/** A server that was started here: its port, its temporary folder, its log, and its end. */
export class LocalServer {
  /** A folder of its own in the temporary directory, removed at the end. */
  readonly home: string
  readonly #supervisor: Supervisor
  #kind: LocalServerKind | undefined
  #port = 0

  constructor(prefix: string) {
    this.home = mkdtempSync(join(tmpdir(), `annals-${prefix}-`))
    this.#supervisor = new Supervisor([this.home])
  }

  get port(): number {
    return this.#port
  }

  /** Starts the server and waits until it takes requests. */
  async start(kind: LocalServerKind): Promise<void> {
    this.#kind = kind
    const deadline = Date.now() + startPatience
    for (;;) {
      this.#port = kind.port ?? (await freePort())
      const failure = await this.#attempt(kind, deadline)
      if (failure === undefined) return
      // Another process can take a free port between the moment we find it and the moment the server binds it.
      const portTaken = /address( is)? already in use/i.test(this.log())
      if (kind.port !== undefined || !portTaken || Date.now() > deadline) {
        throw new Error(`${kind.name} did not start: ${failure}\n${this.log()}`)
      }
    }
  }

  async stop(): Promise<void> {
    await this.#supervisor.leave()
  }

  async kill(): Promise<void> {
    await this.#supervisor.kill()
  }

  async restart(): Promise<void> {
    if (this.#kind === undefined) throw new Error('The server was never started')
    await this.#supervisor.end()
    await this.start({ ...this.#kind, port: this.#port })
  }

  log(lines = 40): string {
    try {
      return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
    } catch {
      return '' // nothing was written yet
    }
  }

  get #logFile(): string {
    return join(this.home, 'log')
  }

  /** Undefined once the server answers, else why it does not. */
  async #attempt(kind: LocalServerKind, deadline: number): Promise<string | undefined> {
    await this.#supervisor.start({ ...kind.launch(this.#port), log: this.#logFile })
    const ended = this.#supervisor.exited.then((reason) => ({ ended: reason }))
    for (;;) {
      const outcome = await Promise.race([
        ended,
        kind.probe(this.#port).then(
          () => undefined,
          (error: unknown) => ({ refused: reasonOf(error) }),
        ),
      ])
      if (outcome === undefined) return undefined
      if ('ended' in outcome) return outcome.ended
      if (Date.now() > deadline) {
        await this.#supervisor.kill()
        return outcome.refused
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
