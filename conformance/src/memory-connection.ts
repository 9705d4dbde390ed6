import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import {
  AccessDeniedError,
  type AppendRequest,
  type AppendResult,
  type StoreDriver,
  UnavailableError,
} from '@annals/core'
import { seeded } from './fixtures.js'
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

/** What a database client would throw: the database refused the request for the rate of them, and did nothing. */
export class Throttled extends Error {}

/** What waits for hints over a connection. */
interface Watch {
  forgotten: boolean
}

/**
 * The connection that a handle on memory would have if its data were in another process. Counts what is sent, and can
 * be cut, refused, stalled, forgotten, slowed, throttled, and held before the commit.
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
  /** An armed stall. */
  #stall: 'before' | 'after' | undefined
  /** There while nothing passes. */
  #still: Gate | undefined
  /** Effects of appends that stood still before the data. */
  readonly #late = new Set<Promise<unknown>>()
  #forgotten = false
  readonly #watches = new Set<Watch>()
  #delayMs = 0
  #oneOf = 0
  /** What is refused must not fall into step with what a store sends. */
  readonly #random = seeded(1)

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

  stall(where: 'before' | 'after'): void {
    this.#stall = where
  }

  async resume(): Promise<void> {
    this.#stall = undefined
    this.#still?.open()
    this.#still = undefined
    await Promise.allSettled(this.#late)
  }

  /** The next call gets no answer, and once its caller gives it up, the one after it connects anew. No hint comes any more. */
  forget(): void {
    this.#forgotten = true
    for (const watch of this.#watches) watch.forgotten = true
  }

  delay(milliseconds: number): void {
    this.#delayMs = milliseconds
  }

  /** 0: none. */
  throttle(oneOf: number): void {
    this.#oneOf = oneOf
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
        await this.#send(args.find((arg) => arg instanceof AbortSignal))
        return method(...args)
      }
    }
    const write = <T>(signal: AbortSignal, commit: () => Promise<T>) => this.#write(signal, commit)
    const { appendMany, watch, tailAll, tailStream, findAppend } = inner
    return {
      ...inner,
      append: (request, signal) => write<AppendResult>(signal, () => inner.append(request, signal)),
      ...(appendMany && {
        appendMany: (requests: readonly AppendRequest[], signal: AbortSignal) =>
          write(signal, () => appendMany(requests, signal)),
      }),
      ...(findAppend && { findAppend: call(findAppend) }),
      readStream: (query) => this.#batches(query.signal, inner.readStream(query)),
      readAll: (query) => this.#batches(query.signal, inner.readAll(query)),
      ...(tailAll && { tailAll: (query) => this.#batches(query.signal, tailAll(query)) }),
      ...(tailStream && { tailStream: (query) => this.#batches(query.signal, tailStream(query)) }),
      ...(watch && {
        watch: async (onNews: () => void, onLost: (error: unknown) => void) => {
          await this.#send()
          const own: Watch = { forgotten: false }
          this.#watches.add(own)
          const release = await watch(() => void this.#tell(own, onNews), onLost)
          const lost = (error: unknown) => {
            void release()
            onLost(error)
          }
          this.#lost.add(lost)
          return () => {
            this.#lost.delete(lost)
            this.#watches.delete(own)
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
        if (error instanceof Throttled)
          return {
            error: new UnavailableError(error.message, { cause: error }),
            retryable: true,
            outcomeUnknown: false,
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

  async #send(signal?: AbortSignal): Promise<void> {
    if (this.#dead) throw new ConnectionLost('the process was killed', false, true)
    this.requests++
    // An answer takes a turn of the event loop, as it does where there is a socket: handles get in each other's way.
    await turn()
    if (this.#delayMs > 0) await sleep(this.#delayMs)
    await this.#still?.opened
    if (this.#forgotten && signal) await this.#silence(signal)
    if (!this.#up) throw new ConnectionLost('connection refused', false)
    if (this.#oneOf > 0 && this.#random() < 1 / this.#oneOf) {
      this.struck++
      throw new Throttled('too many requests')
    }
  }

  /** Until the caller gives up and takes another connection. */
  #silence(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const giveUp = () => {
        this.#forgotten = false
        reject(new ConnectionLost('no answer came', true))
      }
      if (signal.aborted) giveUp()
      else signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  async #tell(watch: Watch, onNews: () => void): Promise<void> {
    await this.#still?.opened
    if (!watch.forgotten) onNews()
  }

  #standStill(): Promise<void> {
    this.struck++
    this.#still ??= gate('the end of the stall')
    return this.#still.opened
  }

  async #write<T>(signal: AbortSignal, commit: () => Promise<T>): Promise<T> {
    const cut = this.#cut
    this.#cut = undefined
    const stall = this.#stall
    this.#stall = undefined
    await this.#send(signal)
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
      result = await (stall === 'before' ? this.#arriveLate(commit) : commit())
    } catch (error) {
      if (cut === 'after') return lost()
      throw error
    }
    if (stall === 'after') await this.#standStill()
    if (cut === 'after' || epoch !== this.#epoch) return lost()
    return result
  }

  async #arriveLate<T>(commit: () => Promise<T>): Promise<T> {
    const effect = this.#standStill().then(commit)
    this.#late.add(effect)
    return effect.finally(() => this.#late.delete(effect))
  }

  async *#batches<B>(
    signal: AbortSignal,
    source: AsyncIterable<B>,
  ): AsyncGenerator<B, void, undefined> {
    await this.#send(signal)
    const epoch = this.#epoch
    let first = true
    for await (const batch of source) {
      if (!first) await this.#send(signal)
      first = false
      if (epoch !== this.#epoch) throw new ConnectionLost('the connection was reset', true)
      yield batch
      // What the consumer asks for next is what meets a connection that has gone meanwhile.
      if (epoch !== this.#epoch) throw new ConnectionLost('the connection was reset', true)
    }
  }
}
