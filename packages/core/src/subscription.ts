import { attemptBatches } from './attempt.js'
import { decodeEvent } from './decode.js'
import type { AllBatch, StoreDriver, StoredEvent } from './driver.js'
import { UnavailableError } from './errors.js'
import type { AllMessage, StreamMessage } from './event-store.js'
import type { Position } from './events.js'
import type { Filter } from './filter.js'
import type { News } from './news.js'
import { type Retry, retrying } from './retry.js'
import type { Scope } from './scope.js'

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
export async function* allMessages(
  engine: Engine,
  from: Position | 'start' | 'end',
  filter: Filter | null,
): AsyncGenerator<readonly AllMessage[], void, undefined> {
  const { driver, scope, retry } = engine
  let after: Position | null = from === 'start' ? null : from
  if (from === 'end') {
    after =
      (await retrying(driver, scope, retry, engine.attemptTimeoutMs, (signal) =>
        driver.headPosition(signal),
      )) ?? driver.origin
  }
  // Whether 'caughtUp' has been said since the last event.
  let caughtUp = false
  const source = (): AsyncIterable<AllBatch> => {
    const query = {
      direction: 'forwards',
      after,
      limit: Number.POSITIVE_INFINITY,
      filter,
      signal: scope.signal,
    } as const
    return driver.tailAll
      ? driver.tailAll(query)
      : polled(
          engine,
          (last: AllBatch | undefined, signal) =>
            driver.readAll({ ...query, after: last?.scannedTo ?? after, signal }),
          (batch, last) => batch.scannedTo !== (last?.scannedTo ?? after),
        )
  }
  for await (const batch of reconnecting(engine, source)) {
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
    if (messages.length > 0) yield messages
  }
}

/** The messages of a subscription to one stream. */
export async function* streamMessages(
  engine: Engine,
  streamId: string,
  from: number | 'end',
): AsyncGenerator<readonly StreamMessage[], void, undefined> {
  const { driver, scope, retry } = engine
  let after =
    from === 'end'
      ? await retrying(driver, scope, retry, engine.attemptTimeoutMs, (signal) =>
          driver.streamVersion(streamId, signal),
        )
      : from
  let caughtUp = false
  const source = (): AsyncIterable<readonly StoredEvent[]> => {
    const query = (signal: AbortSignal) =>
      ({
        streamId,
        direction: 'forwards',
        fromVersion: after + 1,
        limit: Number.POSITIVE_INFINITY,
        signal,
      }) as const
    return driver.tailStream
      ? driver.tailStream(query(scope.signal))
      : polled(
          engine,
          (_last, signal) => endingEmpty(driver.readStream(query(signal))),
          (batch) => batch.length > 0,
        )
  }
  for await (const batch of reconnecting(engine, source)) {
    if (batch.length > 0) {
      after = batch[batch.length - 1]!.version
      caughtUp = false
      yield batch.map((event) => ({ kind: 'event', event: decodeEvent(event) }))
    } else if (!caughtUp) {
      caughtUp = true
      yield [{ kind: 'caughtUp', version: after }]
    }
  }
}

/** A read of a stream that says with an empty batch that it reached the head. */
async function* endingEmpty(
  batches: AsyncIterable<readonly StoredEvent[]>,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  yield* batches
  yield []
}

/**
 * A subscription for a database that does not push: reads to the head again and again, at once after a hint, else after a
 * pause that grows from `polling.min` to `polling.max` while nothing comes.
 */
async function* polled<B>(
  { driver, news, scope, attemptTimeoutMs }: Engine,
  read: (last: B | undefined, signal: AbortSignal) => AsyncIterable<B>,
  isNews: (batch: B, last: B | undefined) => boolean,
): AsyncGenerator<B, void, undefined> {
  const { min, max } = driver.polling ?? defaultPolling
  let last: B | undefined
  let pause = min
  for (;;) {
    const seen = news.count
    let found = false
    const reading = attemptBatches(scope, attemptTimeoutMs, (signal) => read(last, signal))
    for await (const batch of reading) {
      found ||= isNews(batch, last)
      last = batch
      yield batch
    }
    // After a hint that led to nothing yet, e.g. while another writer holds the end back, look again soon.
    pause = found ? min : Math.min(pause * 2, max)
    if (await news.wait(seen, pause, scope)) pause = min
  }
}

/** Opens the source again, where the consumer's position is by then, whenever it fails for the time being. */
async function* reconnecting<B>(
  { driver, news, retry }: Engine,
  source: () => AsyncIterable<B>,
): AsyncGenerator<B, void, undefined> {
  // As long as the subscription lives: hints are not given up, and their connection waited for, where a read has failed.
  news.join()
  try {
    for (;;) {
      try {
        for await (const batch of source()) {
          retry.succeeded()
          yield batch
        }
        // A native subscription that ends without an error has lost its server all the same.
        await retry.wait(new UnavailableError('The database ended the subscription.'))
      } catch (error) {
        await retry.afterFailure(driver, error)
      }
    }
  } finally {
    await news.leave()
  }
}
