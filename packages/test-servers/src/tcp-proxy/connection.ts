import type { Socket } from 'node:net'
import type { DataHook, Direction, ProxiedConnection } from './tcp-proxy.js'

/** What the proxy does to all its connections at the moment. */
export interface Faults {
  refusing: boolean
  halfOpen: boolean
  delay: number
  readonly hooks: Set<DataHook>
  /** Resolves when the direction flows again; undefined while it flows. */
  flowing(direction: Direction): Promise<void> | undefined
}

/** What came from one side: data, its orderly end, or its failure. */
type Arrival =
  | { readonly due: number; readonly chunk: Buffer }
  | { readonly due: number; readonly end: 'orderly' | 'failed' }

/** So much may wait here before the sender is held back, as TCP itself would hold it back. */
const highWater = 256 * 1024

/** The two sockets of one client's way through the proxy. Data, ends and failures are passed on in their order. */
export class Connection implements ProxiedConnection {
  readonly id: number
  readonly received: Record<Direction, number> = { up: 0, down: 0 }
  readonly #sockets: readonly [Socket, Socket]
  readonly #faults: Faults
  readonly #gone: () => void
  lost = 0
  /** Whether data or an end were swallowed. */
  #incomplete = false
  #forgotten = false
  #cut = false

  constructor(
    id: number,
    sockets: { readonly client: Socket; readonly server: Socket },
    faults: Faults,
    gone: () => void,
  ) {
    const { client, server } = sockets
    this.id = id
    this.#sockets = [client, server]
    this.#faults = faults
    this.#gone = gone
    this.#carry(client, server, 'up')
    this.#carry(server, client, 'down')
  }

  cut(): void {
    if (this.#cut) return
    this.#cut = true
    for (const socket of this.#sockets) {
      // Only a connected socket can send a reset.
      if (socket.connecting) socket.destroy()
      else socket.resetAndDestroy()
    }
    this.#gone()
  }

  forget(): void {
    this.#forgotten = true
  }

  /** Ends `forget` too, unless only `halfOpen` is over. Where bytes are missing, nobody can go on. */
  remember(onlyHalfOpen: boolean): void {
    if (onlyHalfOpen && this.#forgotten) return
    this.#forgotten = false
    if (this.#incomplete) this.cut()
  }

  get #swallows(): boolean {
    return this.#forgotten || this.#faults.halfOpen
  }

  #carry(from: Socket, to: Socket, direction: Direction): void {
    const waiting: Arrival[] = []
    let bytes = 0
    let pumping = false
    const arrive = (arrival: Arrival) => {
      waiting.push(arrival)
      if ('chunk' in arrival) {
        bytes += arrival.chunk.length
        if (bytes > highWater) from.pause()
      }
      if (!pumping) void pump()
    }
    const pump = async () => {
      pumping = true
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await this.#until(next.due, direction)
        if (this.#cut) return
        if ('end' in next) {
          this.#passEnd(next.end, to)
        } else {
          await this.#pass(next.chunk, to, direction)
          bytes -= next.chunk.length
          if (bytes <= highWater) from.resume()
        }
      }
      pumping = false
    }
    const due = () => performance.now() + this.#faults.delay
    from.on('data', (chunk: Buffer) => arrive({ due: due(), chunk }))
    from.on('end', () => arrive({ due: due(), end: 'orderly' }))
    from.on('error', () => arrive({ due: due(), end: 'failed' }))
    from.on('close', () => {
      if (to.destroyed && !this.#cut) this.#gone()
    })
  }

  async #until(due: number, direction: Direction): Promise<void> {
    // A timer may fire a fraction of a millisecond early.
    for (let early = due - performance.now(); early > 0; early = due - performance.now()) {
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(early)))
    }
    for (;;) {
      const flowing = this.#faults.flowing(direction)
      if (flowing === undefined) return
      await flowing
    }
  }

  async #pass(chunk: Buffer, to: Socket, direction: Direction): Promise<void> {
    this.received[direction] += chunk.length
    for (const hook of [...this.#faults.hooks]) {
      const verdict = await hook(chunk, direction, this)
      if (this.#cut) return
      if (verdict === 'drop') {
        this.lost += chunk.length
        return
      }
      if (verdict === 'cut') return this.cut()
    }
    if (this.#swallows) {
      this.lost += chunk.length
      this.#incomplete = true
      return
    }
    if (to.destroyed || to.write(chunk)) return
    await new Promise<void>((resolve) => {
      const flushed = () => {
        to.off('drain', flushed)
        to.off('close', flushed)
        resolve()
      }
      to.on('drain', flushed)
      to.on('close', flushed)
    })
  }

  #passEnd(end: 'orderly' | 'failed', to: Socket): void {
    if (this.#swallows) this.#incomplete = true
    else if (end === 'failed') this.cut()
    else to.end()
  }
}
