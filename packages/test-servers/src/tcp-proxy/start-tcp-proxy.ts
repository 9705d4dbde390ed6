import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Connection, type Faults } from './connection.js'
import { Gate } from './gate.js'
import type { ArmedCut, DataHook, Direction, ProxiedConnection, TcpProxy } from './tcp-proxy.js'

/**
 * Starts a proxy in front of a server.
 * @param target its address: any URL with host and port (`postgres://…`, `http://…`), or `{ host, port }`.
 */
export async function startTcpProxy(
  target: string | { readonly host: string; readonly port: number },
): Promise<TcpProxy> {
  const to = typeof target === 'string' ? hostAndPort(target) : target
  const proxy = new FaultProxy(to, typeof target === 'string' ? target : undefined)
  await proxy.listen()
  return proxy
}

class FaultProxy implements TcpProxy {
  readonly #server: Server
  readonly #to: { readonly host: string; readonly port: number }
  readonly #template: string | undefined
  readonly #open = new Set<Connection>()
  readonly #gates: Record<Direction, Gate> = { up: new Gate(), down: new Gate() }
  readonly #faults: Faults
  #accepted = 0

  constructor(to: { readonly host: string; readonly port: number }, template: string | undefined) {
    this.#to = to
    this.#template = template
    this.#faults = {
      refusing: false,
      halfOpen: false,
      delay: 0,
      hooks: new Set(),
      flowing: (direction) => this.#gates[direction].passing,
    }
    // Half-closed connections are passed on as they are: each side's end is forwarded for itself.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.#take(client),
    )
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', () => resolve())
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    const port = String(this.port)
    if (this.#template === undefined) return `tcp://127.0.0.1:${port}`
    // By text, not by `URL`: it does not set the port of every scheme.
    return this.#template.replace(authority, `$1127.0.0.1:${port}`)
  }

  get connections(): readonly ProxiedConnection[] {
    return [...this.#open]
  }

  get accepted(): number {
    return this.#accepted
  }

  cutAll(): number {
    const open = [...this.#open]
    for (const connection of open) connection.cut()
    return open.length
  }

  refuse(on: boolean): void {
    this.#faults.refusing = on
  }

  outage(): void {
    this.refuse(true)
    this.cutAll()
  }

  recover(): void {
    this.refuse(false)
    this.#faults.halfOpen = false
    this.#remember(false)
    this.resume()
  }

  pause(direction?: Direction): void {
    for (const each of directions(direction)) this.#gates[each].close()
  }

  resume(direction?: Direction): void {
    for (const each of directions(direction)) this.#gates[each].open()
  }

  halfOpen(on: boolean): void {
    const was = this.#faults.halfOpen
    this.#faults.halfOpen = on
    if (was && !on) this.#remember(true)
  }

  forget(): number {
    for (const connection of this.#open) connection.forget()
    return this.#open.size
  }

  #remember(onlyHalfOpen: boolean): void {
    for (const connection of [...this.#open]) connection.remember(onlyHalfOpen)
  }

  delay(milliseconds: number): void {
    this.#faults.delay = milliseconds
  }

  onData(hook: DataHook): () => void {
    this.#faults.hooks.add(hook)
    return () => this.#faults.hooks.delete(hook)
  }

  cutWhen(direction: Direction, predicate: (chunk: Buffer) => boolean): ArmedCut {
    let strike: () => void = () => {}
    let hasStruck = false
    const struck = new Promise<void>((resolve) => {
      strike = resolve
    })
    const disarm = this.onData((chunk, way, connection) => {
      if (hasStruck || way !== direction || !predicate(chunk)) return 'forward'
      hasStruck = true
      disarm()
      connection.cut()
      strike()
      return 'cut'
    })
    return {
      struck,
      disarm,
      get hasStruck() {
        return hasStruck
      },
    }
  }

  async close(): Promise<void> {
    this.refuse(true)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.cutAll()
    this.resume()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #take(client: Socket): void {
    this.#accepted++
    if (this.#faults.refusing) {
      client.on('error', () => {})
      client.resetAndDestroy()
      return
    }
    const server = connect({ ...this.#to, allowHalfOpen: true, noDelay: true })
    const connection = new Connection(this.#accepted, { client, server }, this.#faults, () =>
      this.#open.delete(connection),
    )
    this.#open.add(connection)
  }
}

const authority = /^([a-z][a-z0-9+.-]*:\/\/(?:[^@/?#]*@)?)([^/?#]+)/i

function hostAndPort(url: string): { host: string; port: number } {
  const place = authority.exec(url)?.[2]
  const [, host, port] = /^\[?([^\]]*?)\]?:(\d+)$/.exec(place ?? '') ?? []
  if (host === undefined || port === undefined) {
    throw new TypeError(`A proxy's target needs a host and a port: ${url}`)
  }
  return { host, port: Number(port) }
}

function directions(direction: Direction | undefined): readonly Direction[] {
  return direction === undefined ? ['up', 'down'] : [direction]
}
