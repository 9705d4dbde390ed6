import { setImmediate as turn } from 'node:timers/promises'
import {
  AccessDeniedError,
  type AppendRequest,
  type AppendResult,
  type StoreDriver,
  UnavailableError,
} from '@annals/core'
import { type Gate, gate } from './gates.js'

/** What a database client would throw: the connection is gone, and the other side may have got the request. */
export class ConnectionLost extends Error {
  constructor(
    message: string,
    readonly mayHaveArrived: boolean,
    /** Whether the process itself is gone, so that nobody tries again. */
    readonly final = false,
  ) {
    super(message)
    this.name = 'ConnectionLost'
  }
}

/** What a database client would throw: the database refused the right. */
export class Refused extends Error {}

/**
 * The connection that a handle on memory would have if its data were in another process. Counts what is sent, and can
 * be cut, refused, and held before the commit.
 */
export class MemoryConnection {
  requests = 0
  struck = 0
  #up = true
  #dead = false
  #epoch = 0
  #cut: 'before' | 'after' | undefined
  #hold: { arrived: Gate; release: Gate } | undefined
  readonly #lost = new Set<(error: unknown) => void>()

  /** Cuts what is open; the next call connects again. */
  drop(): void {
    this.#epoch++
    const lost = [...this.#lost]
    this.#lost.clear()
    for (const tell of lost) tell(new ConnectionLost('the connection was reset', true))
  }

  outage(): void {
    this.#up = false
    this.drop()
  }

  recover(): void {
    this.#up = true
  }

  cut(where: 'before' | 'after'): void {
    this.#cut = where
  }

  hold(): { arrived: Promise<void>; release: () => Promise<void> } {
    const held = {
      arrived: gate('the held append to stand before its commit'),
      release: gate('the release of the held append'),
    }
    this.#hold = held
    return { arrived: held.arrived.opened, release: async () => held.release.open() }
  }

  kill(held: { release: Gate } | undefined = this.#held): void {
    this.#dead = true
    held?.release.fail(new ConnectionLost('the process was killed', true, true))
    this.outage()
  }

  #held: { release: Gate } | undefined

  /** Next to the data: an append stops here when everything but the commit is done. */
  server(inner: StoreDriver): StoreDriver {
    const held = async <T>(commit: () => Promise<T>): Promise<T> => {
      const hold = this.#hold
      this.#hold = undefined
      if (hold) {
        this.#held = hold
        hold.arrived.open()
        await hold.release.opened
        this.#held = undefined
      }
      return commit()
    }
    return {
      ...inner,
      append: (request, signal) => held(() => inner.append(request, signal)),
      ...(inner.appendMany && {
        appendMany: (requests: readonly AppendRequest[], signal: AbortSignal) =>
          held(() => inner.appendMany?.(requests, signal) ?? Promise.resolve([])),
      }),
    }
  }

  /** On the handle's side: every call is a request that can fail on its way. */
  client(inner: StoreDriver): StoreDriver {
    const call = <A extends unknown[], T>(method: (...args: A) => Promise<T>) => {
      return async (...args: A): Promise<T> => {
        await this.#send()
        return method(...args)
      }
    }
    const write = <T>(commit: () => Promise<T>): Promise<T> => this.#write(commit)
    const { appendMany, watch, tailAll, tailStream, findAppend } = inner
    return {
      ...inner,
      append: (request, signal) => write<AppendResult>(() => inner.append(request, signal)),
      ...(appendMany && {
        appendMany: (requests: readonly AppendRequest[], signal: AbortSignal) =>
          write(() => appendMany(requests, signal)),
      }),
      ...(findAppend && { findAppend: call(findAppend) }),
      readStream: (query) => this.#batches(inner.readStream(query)),
      readAll: (query) => this.#batches(inner.readAll(query)),
      ...(tailAll && { tailAll: (query) => this.#batches(tailAll(query)) }),
      ...(tailStream && { tailStream: (query) => this.#batches(tailStream(query)) }),
      ...(watch && {
        watch: async (onNews: () => void, onLost: (error: unknown) => void) => {
          await this.#send()
          const release = await watch(onNews, onLost)
          const lost = (error: unknown) => {
            void release()
            onLost(error)
          }
          this.#lost.add(lost)
          return () => {
            this.#lost.delete(lost)
            return release()
          }
        },
      }),
      streamVersion: call(inner.streamVersion),
      headPosition: call(inner.headPosition),
      loadCheckpoint: call(inner.loadCheckpoint),
      saveCheckpoint: call(inner.saveCheckpoint),
      deleteCheckpoint: call(inner.deleteCheckpoint),
      loadSnapshot: call(inner.loadSnapshot),
      saveSnapshot: call(inner.saveSnapshot),
      deleteSnapshot: call(inner.deleteSnapshot),
      migrate: call(inner.migrate),
      translateError: (error) => {
        if (error instanceof ConnectionLost)
          return {
            error: new UnavailableError(error.message, { cause: error }),
            retryable: !error.final,
            outcomeUnknown: error.mayHaveArrived,
          }
        if (error instanceof Refused)
          return {
            error: new AccessDeniedError(error.message, { cause: error }),
            retryable: false,
            outcomeUnknown: false,
          }
        return inner.translateError(error)
      },
    }
  }

  async #send(): Promise<void> {
    if (this.#dead) throw new ConnectionLost('the process was killed', false, true)
    this.requests++
    // An answer takes a turn of the event loop, as it does where there is a socket: handles get in each other's way.
    await turn()
    if (!this.#up) throw new ConnectionLost('connection refused', false)
  }

  async #write<T>(commit: () => Promise<T>): Promise<T> {
    const cut = this.#cut
    this.#cut = undefined
    await this.#send()
    if (cut === 'before') {
      this.struck++
      this.drop()
      throw new ConnectionLost('the connection was reset while the request was sent', true)
    }
    const epoch = this.#epoch
    const lost = async () => {
      if (cut === 'after') this.struck++
      this.drop()
      throw new ConnectionLost('the connection was reset before the answer', true)
    }
    let result: T
    try {
      result = await commit()
    } catch (error) {
      if (cut === 'after') return lost()
      throw error
    }
    if (cut === 'after' || epoch !== this.#epoch) return lost()
    return result
  }

  async *#batches<B>(source: AsyncIterable<B>): AsyncGenerator<B, void, undefined> {
    await this.#send()
    const epoch = this.#epoch
    let first = true
    for await (const batch of source) {
      if (!first) await this.#send()
      first = false
      if (epoch !== this.#epoch) throw new ConnectionLost('the connection was reset', true)
      yield batch
      // What the consumer asks for next is what meets a connection that has gone meanwhile.
      if (epoch !== this.#epoch) throw new ConnectionLost('the connection was reset', true)
    }
  }
}
