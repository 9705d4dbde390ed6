import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
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
  /** Paths to remove once it has ended for good. */
  readonly cleanup: readonly string[]
}

type Report =
  | { event: 'started'; pid: number | undefined }
  | { event: 'killed' }
  | { event: 'exit'; reason: string }

/**
 * A server process whose life is bound to ours. Between the two stands a small process (`supervisor.mjs`) that holds
 * an IPC channel: it closes when we end, however we end, and then the server is ended and its files are removed.
 * Neither process keeps ours alive.
 */
export class Supervised {
  readonly #child: ChildProcess
  readonly #launch: Launch
  readonly #exited: Promise<string>
  #reports = new Set<(report: Report) => void>()
  #ended = false

  private constructor(launch: Launch, child: ChildProcess) {
    this.#launch = launch
    this.#child = child
    this.#exited = new Promise((resolve) => {
      const end = (reason: string) => {
        this.#ended = true
        resolve(reason)
      }
      this.#reports.add((report) => {
        if (report.event === 'exit') end(report.reason)
      })
      child.once('exit', () => end('its supervisor ended'))
    })
    child.on('message', (report: Report) => {
      for (const listener of [...this.#reports]) listener(report)
    })
    child.on('error', () => {}) // a channel that closes while we send; the exit tells the rest
  }

  static async start(launch: Launch): Promise<Supervised> {
    const script = fileURLToPath(new URL('../supervisor.mjs', import.meta.url))
    const child = spawn(process.execPath, [script], {
      // Nothing of ours is inherited: no loader or inspector of a test run, no terminal.
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      detached: true,
    })
    const supervised = new Supervised(launch, child)
    await supervised.#ask({ do: 'start', ...launch }, 'started')
    return supervised
  }

  /** Why the server ended; undefined while it runs. */
  get ended(): boolean {
    return this.#ended
  }

  /** Resolves with the reason when the server has ended. */
  get exited(): Promise<string> {
    return this.#exited
  }

  /** Ends it in good order; with SIGKILL if it has not ended after 10 seconds. Removes its files if `forGood`. */
  async stop(forGood: boolean): Promise<void> {
    this.#keepAlive(true)
    try {
      if (!this.#ended) {
        this.#tell({ do: 'signal', signal: this.#launch.graceful })
        const patience = setTimeout(() => this.#tell({ do: 'kill' }), 10_000)
        await this.#exited
        clearTimeout(patience)
      }
      await this.#dismiss(forGood)
    } finally {
      this.#keepAlive(false)
    }
  }

  /** Ends every process of the server at once. Its files stay. */
  async kill(): Promise<void> {
    if (!this.#ended) {
      await this.#ask({ do: 'kill' }, 'killed')
      this.#keepAlive(true)
      await this.#exited
    }
    await this.#dismiss(false)
    this.#keepAlive(false)
  }

  /** What the server wrote last. */
  log(): string {
    return tail(this.#launch.log)
  }

  /** Lets the supervisor go; it removes the files on its way out unless told to keep them. */
  async #dismiss(removeFiles: boolean): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const left = new Promise((resolve) => this.#child.once('exit', resolve))
    if (!removeFiles) this.#tell({ do: 'keep' })
    if (this.#child.connected) this.#child.disconnect()
    await left
  }

  async #ask<E extends Report['event']>(message: object, answer: E): Promise<void> {
    this.#keepAlive(true)
    try {
      await new Promise<void>((resolve, reject) => {
        const listener = (report: Report) => {
          if (report.event !== answer) return
          this.#reports.delete(listener)
          resolve()
        }
        this.#reports.add(listener)
        this.#child.once('error', reject)
        this.#child.once('exit', () => reject(new Error('The supervisor of a server ended')))
        this.#tell(message)
      })
    } finally {
      this.#keepAlive(false)
    }
  }

  #tell(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  #keepAlive(on: boolean): void {
    if (on) {
      this.#child.ref()
      this.#child.channel?.ref()
    } else {
      this.#child.unref()
      this.#child.channel?.unref()
    }
  }
}

/** The last lines of a log file; empty if there is none. */
export function tail(file: string, lines = 40): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}
