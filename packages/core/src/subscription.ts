import { AttemptedBatches } from './attempt.js'
import { decodeEvent } from './decode.js'
import type { AllBatch, StoreDriver, StoredEvent } from './driver.js'
import { UnavailableError } from './errors.js'
import type { AllMessage, StreamMessage } from './event-store.js'
import type { Position } from './events.js'
import type { Filter } from './filter.js'
import type { News } from './news.js'
import { type Retry, retrying } from './retry.js'
import type { Scope } from './scope.js'
import { Steps } from './steps.js'

const defaultPolling = { min: 10, max: 1000 }

interface Engine {
  readonly driver: StoreDriver
  readonly news: News
  readonly scope: Scope
  /** Without end: a subscription waits for its database. */
  readonly retry: Retry
  readonly attemptTimeoutMs: number
}

/** The messages of a subscription to all, in the batches that the database gave. */
export function allMessages(
  engine: Engine,
  from: Position | 'start' | 'end',
  filter: Filter | null,
): Steps<readonly AllMessage[]> {
  const { driver, scope } = engine
  let after: Position | null = from === 'start' ? null : from
  // Whether 'caughtUp' has been said since the last event.
  let caughtUp = false
  return new Subscription<AllBatch, AllMessage>(engine, {
    start: async () => {
      if (from === 'end') {
        after = (await asked(engine, (signal) => driver.headPosition(signal))) ?? driver.origin
      }
    },
    source: () => {
      const query = (signal: AbortSignal) =>
        ({ direction: 'forwards', after, limit: Number.POSITIVE_INFINITY, filter, signal }) as const
      return (
        driver.tailAll?.(query(scope.signal)) ??
        new Polled(engine, {
          read: (signal) => driver.readAll(query(signal)),
          isNews: (batch) => batch.scannedTo !== after,
        })
      )
    },
    messages: (batch) => {
      const messages: AllMessage[] = batch.events.map((event) => ({
        kind: 'event',
        event: decodeEvent(event),
      }))
      const advanced = after === null || batch.scannedTo > after
      after = batch.scannedTo
      if (messages.length > 0) caughtUp = false
      if (batch.atHead && !caughtUp) {
        caughtUp = true
        messages.push({ kind: 'caughtUp', position: batch.scannedTo })
      } else if (batch.events.length === 0 && advanced) {
        messages.push({ kind: 'progress', position: batch.scannedTo })
      }
      return messages
    },
  })
}

/** The messages of a subscription to one stream. */
export function streamMessages(
  engine: Engine,
  streamId: string,
  from: number | 'end',
): Steps<readonly StreamMessage[]> {
  const { driver, scope } = engine
  let after = from === 'end' ? 0 : from
  let caughtUp = false
  return new Subscription<readonly StoredEvent[], StreamMessage>(engine, {
    start: async () => {
      if (from === 'end') {
        after = await asked(engine, (signal) => driver.streamVersion(streamId, signal))
      }
    },
    source: () => {
      const query = (signal: AbortSignal) =>
        ({
          streamId,
          direction: 'forwards',
          fromVersion: after + 1,
          limit: Number.POSITIVE_INFINITY,
          signal,
        }) as const
      return (
        driver.tailStream?.(query(scope.signal)) ??
        new Polled(engine, {
          read: (signal) => driver.readStream(query(signal)),
          isNews: (batch) => batch.length > 0,
          atHead: [],
        })
      )
    },
    messages: (batch) => {
      const last = batch.at(-1)
      if (last) {
        after = last.version
        caughtUp = false
        return batch.map((event) => ({ kind: 'event', event: decodeEvent(event) }))
      }
      if (caughtUp) return []
      caughtUp = true
      return [{ kind: 'caughtUp', version: after }]
    },
  })
}

function asked<T>(engine: Engine, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { driver, scope, retry, attemptTimeoutMs } = engine
  return retrying(driver, scope, retry, attemptTimeoutMs, call)
}

/** What is particular to a subscription. */
interface SubscriptionPlan<B, M> {
  /** Asks where it begins, before anything else. */
  start(): Promise<void>
  /** The batches behind the last one that was told in messages. */
  source(): AsyncIterable<B>
  messages(batch: B): readonly M[]
}

/** Opens the source again, where the consumer's position is by then, whenever it fails for the time being. */
class Subscription<B, M> extends Steps<readonly M[]> {
  #started = false
  #source: AsyncIterator<B> | undefined

  constructor(
    private readonly engine: Engine,
    private readonly plan: SubscriptionPlan<B, M>,
  ) {
    super()
  }

  protected async step(): Promise<IteratorResult<readonly M[], void>> {
    const { driver, retry, news } = this.engine
    if (!this.#started) {
      await this.plan.start()
      this.#started = true
      // As long as the subscription lives: hints are not given up, and their connection waited for, where a read has
      // failed.
      news.join()
    }
    for (;;) {
      try {
        this.#source ??= this.plan.source()[Symbol.asyncIterator]()
        const result = await this.#source.next()
        if (result.done) {
          this.#source = undefined
          // A native subscription that ends without an error has lost its server all the same.
          await retry.wait(new UnavailableError('The database ended the subscription.'))
          continue
        }
        retry.succeeded()
        const messages = this.plan.messages(result.value)
        if (messages.length > 0) return { done: false, value: messages }
      } catch (error) {
        await this.#close()
        await retry.afterFailure(driver, error)
      }
    }
  }

  protected async release(): Promise<void> {
    try {
      await this.#close()
    } finally {
      if (this.#started) await this.engine.news.leave()
    }
  }

  async #close(): Promise<void> {
    const source = this.#source
    this.#source = undefined
    await source?.return?.()
  }
}

/** What is particular to the polling of one subscription. */
interface PollingPlan<B> {
  read(signal: AbortSignal): AsyncIterable<B>
  isNews(batch: B): boolean
  /** Given whenever a read has come to its end, and instead of batches without news. */
  readonly atHead?: B
}

/**
 * A subscription for a database that does not push: reads to the head again and again, at once after a hint, else after a
 * pause that grows from `polling.min` to `polling.max` while nothing comes.
 */
class Polled<B> extends Steps<B> {
  #reading: AttemptedBatches<B> | undefined
  /** The hints that there had been before the reading. */
  #seen = 0
  #found = false
  /** Whether there is a pause to be made before the next reading. */
  #pausing = false
  readonly #polling: { readonly min: number; readonly max: number }
  #pause: number

  constructor(
    private readonly engine: Engine,
    private readonly plan: PollingPlan<B>,
  ) {
    super()
    this.#polling = engine.driver.polling ?? defaultPolling
    this.#pause = this.#polling.min
  }

  protected async step(): Promise<IteratorResult<B, void>> {
    const { news, scope, attemptTimeoutMs } = this.engine
    const { read, isNews, atHead } = this.plan
    for (;;) {
      if (this.#pausing) {
        // After a hint that led to nothing yet, e.g. while another writer holds the end back, look again soon.
        const { min, max } = this.#polling
        this.#pause = this.#found ? min : Math.min(this.#pause * 2, max)
        if (await news.wait(this.#seen, this.#pause, scope)) this.#pause = min
        this.#pausing = false
      }
      if (!this.#reading) {
        this.#seen = news.count
        this.#found = false
        this.#reading = new AttemptedBatches(scope, attemptTimeoutMs, read)
      }
      const result = await this.#reading.next()
      if (!result.done) {
        const found = isNews(result.value)
        this.#found ||= found
        if (!found && atHead !== undefined) continue
        return result
      }
      this.#reading = undefined
      this.#pausing = true
      if (atHead !== undefined) return { done: false, value: atHead }
    }
  }

  protected async release(): Promise<void> {
    await this.#reading?.return()
  }
}
