import { gunzipSync } from 'node:zlib'
import { startTcpProxy, type TcpProxy } from '@annals/test-servers'

/** What becomes of the next append: its connection is cut, or it stands still on its way. */
type Fault = 'cut' | 'stall'

/**
 * A connection of a handle's own to the server, with a count of what is sent over it and cuts around an append. A piece of
 * data tells what it holds: the client compresses none of its messages, and an answer is unpacked here where the server
 * compressed it (KurrentDB 26.1 does).
 */
export class Wire {
  readonly #proxy: TcpProxy
  readonly #namespace: string
  /** How many requests were sent: calls begun, and further messages of calls that go on. */
  requests = 0
  /** How many armed faults have struck. */
  struck = 0
  #armed: { readonly place: 'before' | 'after'; readonly fault: Fault } | null = null
  /** Connections over which an append went while a fault after its commit was armed, and what has come back over them. */
  readonly #appended = new Map<number, Buffer>()
  #goOn: () => void = () => {}

  static async open(url: string, namespace: string): Promise<Wire> {
    return new Wire(await startTcpProxy(url), namespace)
  }

  private constructor(proxy: TcpProxy, namespace: string) {
    this.#proxy = proxy
    this.#namespace = namespace
    const counters = new Map<number, FrameCounter>()
    proxy.onData((chunk, direction, connection) => {
      const { id } = connection
      if (direction === 'down') {
        const before = this.#appended.get(id)
        if (this.#armed?.place !== 'after' || !before) return 'forward'
        const answers = Buffer.concat([before, chunk])
        this.#appended.set(id, answers)
        // The answer to an append names the stream.
        if (!messagesOf(answers).some((message) => message.includes(this.#namespace)))
          return 'forward'
        return this.#strike(this.#armed.fault)
      }
      const counter = counters.get(id) ?? new FrameCounter()
      counters.set(id, counter)
      this.requests += counter.count(chunk)
      if (this.#armed && chunk.includes('content-type') && chunk.includes(this.#namespace)) {
        if (this.#armed.place === 'before') return this.#strike(this.#armed.fault)
        this.#appended.set(id, Buffer.alloc(0))
      }
      return 'forward'
    })
  }

  #strike(fault: Fault): 'cut' | Promise<'forward'> {
    this.#armed = null
    this.#appended.clear()
    this.struck++
    if (fault === 'cut') return 'cut'
    this.#proxy.pause()
    return new Promise((resolve) => {
      this.#goOn = () => resolve('forward')
    })
  }

  get url(): string {
    return this.#proxy.url
  }

  get proxy(): TcpProxy {
    return this.#proxy
  }

  arm(place: 'before' | 'after', fault: Fault = 'cut'): void {
    this.#armed = { place, fault }
  }

  /** Ends a stall: what stood still arrives late. */
  resume(): void {
    this.#armed = null
    this.#goOn()
    this.#proxy.resume()
  }

  close(): Promise<void> {
    return this.#proxy.close()
  }
}

/**
 * Data as it is, and the compressed messages in it unpacked. A message of gRPC begins with a flag, 1 where it is
 * compressed, and its length in four bytes (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 */
function messagesOf(chunk: Buffer): Buffer[] {
  const messages = [chunk]
  for (let at = chunk.indexOf(gzipMagic); at >= 0; at = chunk.indexOf(gzipMagic, at + 1)) {
    if (at < 5 || chunk[at - 5] !== 1) continue
    const packed = chunk.subarray(at, at + chunk.readUInt32BE(at - 4))
    try {
      messages.push(gunzipSync(packed))
    } catch {
      // Not the beginning of a message after all, or one whose rest is yet to come.
    }
  }
  return messages
}

const gzipMagic = Buffer.from([0x1f, 0x8b, 0x08])

/** Counts the requests of an HTTP/2 connection: calls begun, and messages of calls after their first. */
class FrameCounter {
  #rest: Buffer = Buffer.alloc(0)
  #afterPreface = false
  readonly #messages = new Map<number, number>()

  count(chunk: Buffer): number {
    let requests = 0
    let data = Buffer.concat([this.#rest, chunk])
    if (!this.#afterPreface && data.length >= 24) {
      data = data.subarray(24)
      this.#afterPreface = true
    }
    while (this.#afterPreface && data.length >= 9) {
      const length = data.readUIntBE(0, 3)
      if (data.length < 9 + length) break
      const [type, stream] = [data[3], data.readUInt32BE(5)]
      const headers = type === 1
      const message = type === 0 && length > 0
      if (headers) requests++
      if (message) {
        const before = this.#messages.get(stream) ?? 0
        if (before > 0) requests++
        this.#messages.set(stream, before + 1)
      }
      data = data.subarray(9 + length)
    }
    this.#rest = Buffer.from(data)
    return requests
  }
}
