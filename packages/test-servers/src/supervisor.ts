import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly uid?: number
  readonly gid?: number
  /** The file that takes what the server writes. */
  readonly log: string
  /** The signal that ends it in good order. */
  readonly graceful: NodeJS.Signals
}

type Report =
  | { readonly event: 'done'; readonly id: number }
  | { readonly event: 'exit'; readonly run: number; readonly reason: string }

/**
 * Binds the life of a server to ours. The server is the child of a small process (`supervisor.mjs`) that holds an IPC
 * channel to us: it closes when we end, however we end, and then the server is ended and its files are removed.
 * None of this keeps our own process alive, except while an operation is under way.
 */
export class Supervisor {
  readonly #child: ChildProcess
  readonly #gone: Promise<void>
  readonly #answers = new Map<number, () => void>()
  #requests = 0
  #runs = 0
  #busy = 0
  #exited: Promise<string> = Promise.resolve('it was never started')
  #reportExit: (reason: string) => void = () => {}
  #running = false

  /** `cleanup`: the paths to remove at the end. */
  constructor(cleanup: readonly string[]) {
    const script = fileURLToPath(new URL('../supervisor.mjs', import.meta.url))
    this.#child = spawn(process.execPath, [script], {
      // Nothing of ours is inherited: no loader or inspector of a test run, no terminal, no signal from it.
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      detached: true,
    })
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', resolve)
      this.#child.once('error', resolve)
    }).then(() => {
      this.#reportExit('its supervisor ended')
      for (const answer of this.#answers.values()) answer()
    })
    this.#child.on('message', (report: Report) => this.#receive(report))
    this.#unref()
    void this.#ask('guard', { cleanup })
  }

  /** Starts the server. Whether it came up is to be seen at the server itself. */
  async start(launch: Launch): Promise<void> {
    this.#exited = new Promise((resolve) => {
      this.#running = true
      this.#reportExit = (reason) => {
        this.#running = false
        resolve(reason)
      }
    })
    this.#runs++
    await this.#ask('start', { run: this.#runs, ...launch })
  }

  get running(): boolean {
    return this.#running
  }

  /** Resolves with the reason when the server has ended. */
  get exited(): Promise<string> {
    return this.#exited
  }

  /** Ends the server in good order; with SIGKILL if it still runs after 10 seconds. */
  async end(): Promise<void> {
    if (!this.#running) return
    await this.#whileRef(async () => {
      await this.#ask('end')
      const patience = setTimeout(() => void this.#ask('kill'), 10_000)
      await this.#exited
      clearTimeout(patience)
    })
  }

  /** Ends every process of the server at once. */
  async kill(): Promise<void> {
    if (!this.#running) return
    await this.#whileRef(async () => {
      await this.#ask('kill')
      await this.#exited
    })
  }

  /** Ends the server and removes its files. Nothing can be started again. */
  async leave(): Promise<void> {
    await this.#whileRef(async () => {
      await this.end()
      if (this.#child.connected) this.#child.disconnect()
      await this.#gone
    })
  }

  #receive(report: Report): void {
    if (report.event === 'done') this.#answers.get(report.id)?.()
    else if (report.run === this.#runs) this.#reportExit(report.reason)
  }

  #ask(request: 'guard' | 'start' | 'end' | 'kill', details: object = {}): Promise<void> {
    const id = ++this.#requests
    return this.#whileRef(async () => {
      if (!this.#child.connected) throw new Error('The supervisor of a server is gone')
      await new Promise<void>((resolve) => {
        this.#answers.set(id, resolve)
        this.#child.send({ do: request, id, ...details }, () => {})
      })
      this.#answers.delete(id)
    })
  }

  async #whileRef<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++
    this.#child.ref()
    this.#child.channel?.ref()
    try {
      return await work()
    } finally {
      this.#busy--
      this.#unref()
    }
  }

  #unref(): void {
    if (this.#busy > 0) return
    this.#child.unref()
    this.#child.channel?.unref()
  }
}
