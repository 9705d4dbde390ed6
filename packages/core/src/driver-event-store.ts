import { attempt } from './attempt.js'
import type { Capabilities } from './capabilities.js'
import type { AppendRequest, StoreDriver } from './driver.js'
import {
  CheckpointConflictError,
  ClosedError,
  InvalidArgumentError,
  isEventStoreError,
  quote,
  TooLargeError,
  UnknownOutcomeError,
  UnsupportedError,
} from './errors.js'
import type {
  AllMessage,
  AppendOptions,
  AppendResult,
  CheckpointStore,
  EventReader,
  EventStore,
  ReadAllOptions,
  ReadStreamOptions,
  Snapshot,
  SnapshotStore,
  StoreOptions,
  StreamAppend,
  StreamMessage,
  SubscribeToAllOptions,
  SubscribeToStreamOptions,
} from './event-store.js'
import type { EventShape, NewEvent, Position, RecordedEvent } from './events.js'
import { iterateBatches, iterateItems } from './iteration.js'
import { type Limits, portableLimits } from './limits.js'
import { News } from './news.js'
import { decodePayload, encodePayload, payloadBytes } from './payload.js'
import { Reading, type ReadPlan } from './reading.js'
import { Retry, retrying, translate } from './retry.js'
import { closedDuring, ignore, Scope } from './scope.js'
import { allMessages, streamMessages } from './subscription.js'
import {
  checkAfterVersion,
  checkAppendBytes,
  checkDirection,
  checkFilter,
  checkFromVersion,
  checkLimit,
  checkPosition,
  checkSnapshotVersion,
  checkStreamId,
  checkSubscriptionId,
  encodeAppend,
} from './validate.js'

const defaultRetryBudgetMs = 10_000
const defaultAttemptTimeoutMs = 10_000

type Signal = { signal?: AbortSignal | undefined } | undefined

/**
 * An event store over a driver: everything of the contract that does not depend on a database. Adapters that offer more
 * than the contract extend it.
 */
export class DriverEventStore implements EventStore {
  readonly limits: Limits
  readonly checkpoints: CheckpointStore
  readonly snapshots: SnapshotStore
  readonly #driver: StoreDriver
  readonly #options: StoreOptions
  readonly #budgetMs: number
  readonly #attemptTimeoutMs: number
  readonly #news: News
  readonly #scopes = new Set<Scope>()
  #closing: Promise<void> | undefined

  constructor(driver: StoreDriver, options: StoreOptions = {}) {
    const {
      limits = 'portable',
      retryBudgetMs = defaultRetryBudgetMs,
      attemptTimeoutMs = defaultAttemptTimeoutMs,
    } = options
    if (limits !== 'portable' && limits !== 'backend') {
      throw new InvalidArgumentError('options.limits', "must be 'portable' or 'backend'")
    }
    checkMilliseconds('options.retryBudgetMs', retryBudgetMs, 0)
    checkMilliseconds('options.attemptTimeoutMs', attemptTimeoutMs, 1)
    this.#driver = driver
    this.#options = options
    this.#budgetMs = retryBudgetMs
    this.#attemptTimeoutMs = attemptTimeoutMs
    this.limits = limits === 'backend' ? driver.limits : portableLimits
    this.#news = new News(driver)
    this.checkpoints = this.#checkpoints()
    this.snapshots = this.#snapshots()
  }

  get capabilities(): Capabilities {
    return this.#driver.capabilities
  }

  migrate(options?: { signal?: AbortSignal | undefined }): Promise<void> {
    return this.#repeatable(
      'migrate',
      options,
      (signal) => this.#driver.migrate(signal),
      Number.POSITIVE_INFINITY,
    )
  }

  async append<E extends EventShape = EventShape>(
    streamId: string,
    events: readonly NewEvent<E>[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    this.assertOpen()
    const request = this.prepareAppend(
      streamId,
      events as readonly NewEvent[],
      options.expectedVersion,
    )
    return this.run('append', options.signal, (scope) =>
      this.#write(
        [request],
        scope,
        (signal) => this.#driver.append(request, signal),
        async (signal) => this.#driver.findAppend?.(request, signal) ?? null,
      ),
    )
  }

  async appendToStreams(
    appends: readonly StreamAppend[],
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<readonly AppendResult[]> {
    this.assertOpen()
    const requests = this.prepareAppends(appends)
    return this.run('appendToStreams', options.signal, async (scope) => {
      await retrying(
        this.#driver,
        scope,
        this.#retry(scope),
        this.#attemptTimeoutMs,
        async (signal) => this.#driver.prepare?.(signal),
      )
      if (!this.capabilities.multiStreamAppend || !this.#driver.appendMany) {
        throw new UnsupportedError(
          'multiStreamAppend',
          'append to one stream at a time, and let a subscription carry the change to the others; or keep what must change together in one stream.',
        )
      }
      const appendMany = this.#driver.appendMany.bind(this.#driver)
      return this.#write(
        requests,
        scope,
        (signal) => appendMany(requests, signal),
        (signal) => this.#findAll(requests, signal),
      )
    })
  }

  readStream<E extends EventShape = EventShape>(
    streamId: string,
    options: ReadStreamOptions = {},
  ): EventReader<E> {
    return this.#reader('readStream', options.signal, () => {
      checkStreamId(streamId, this.limits)
      checkFromVersion(options.fromVersion)
      const direction = checkDirection(options.direction)
      let fromVersion = options.fromVersion ?? (direction === 'forwards' ? 1 : undefined)
      return {
        limit: checkLimit(options.limit),
        read: (limit, signal) =>
          this.#driver.readStream({ streamId, direction, fromVersion, limit, signal }),
        events: (batch) => {
          const last = batch.at(-1)
          if (last) fromVersion = last.version + (direction === 'forwards' ? 1 : -1)
          return batch
        },
        // Behind a stream's first event there is nothing to ask for.
        ended: () => fromVersion !== undefined && fromVersion < 1,
      }
    })
  }

  readAll<E extends EventShape = EventShape>(options: ReadAllOptions = {}): EventReader<E> {
    return this.#reader('readAll', options.signal, () => {
      let after: Position | null = null
      if (options.after !== undefined) {
        checkPosition(options.after, this.#driver, 'after')
        after = options.after
      }
      const direction = checkDirection(options.direction)
      const filter = checkFilter(options.filter)
      return {
        limit: checkLimit(options.limit),
        read: (limit, signal) => this.#driver.readAll({ direction, after, limit, filter, signal }),
        events: (batch) => {
          after = batch.scannedTo
          return batch.events
        },
        ended: () => false,
      }
    })
  }

  subscribeToAll<E extends EventShape = EventShape>(
    options: SubscribeToAllOptions = {},
  ): AsyncIterable<AllMessage<E>> {
    const operation = 'subscribeToAll'
    return iterateItems(
      () => this.#open(operation, options.signal, true),
      (scope) => {
        const { after = 'start' } = options
        if (after !== 'start' && after !== 'end') checkPosition(after, this.#driver, 'after')
        return allMessages(this.#engine(scope), after, checkFilter(options.filter))
      },
    ) as AsyncIterable<AllMessage<E>>
  }

  subscribeToStream<E extends EventShape = EventShape>(
    streamId: string,
    options: SubscribeToStreamOptions = {},
  ): AsyncIterable<StreamMessage<E>> {
    const operation = 'subscribeToStream'
    return iterateItems(
      () => this.#open(operation, options.signal, true),
      (scope) => {
        const { afterVersion = 0 } = options
        checkStreamId(streamId, this.limits)
        checkAfterVersion(afterVersion)
        return streamMessages(this.#engine(scope), streamId, afterVersion)
      },
    ) as AsyncIterable<StreamMessage<E>>
  }

  streamVersion(streamId: string, options?: { signal?: AbortSignal | undefined }): Promise<number> {
    return this.#repeatable('streamVersion', options, (signal) => {
      checkStreamId(streamId, this.limits)
      return this.#driver.streamVersion(streamId, signal)
    })
  }

  headPosition(options?: { signal?: AbortSignal | undefined }): Promise<Position | null> {
    return this.#repeatable('headPosition', options, (signal) => this.#driver.headPosition(signal))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @throws CLOSED once `close()` was called. */
  protected assertOpen(): void {
    if (this.#closing) throw new ClosedError()
  }

  /** Validates and encodes an append, for an adapter's own ways of writing. */
  protected prepareAppend(
    streamId: string,
    events: readonly NewEvent[],
    expectedVersion: AppendOptions['expectedVersion'],
  ): AppendRequest {
    return encodeAppend(streamId, events, expectedVersion, this.limits)
  }

  /** The same for several streams, which together are one append to the limits. */
  protected prepareAppends(appends: readonly StreamAppend[]): readonly AppendRequest[] {
    if (!Array.isArray(appends) || appends.length === 0) {
      throw new InvalidArgumentError('appends', 'must be a list of at least one append')
    }
    const requests = (appends as readonly StreamAppend[]).map((append) =>
      this.prepareAppend(append.streamId, append.events, append.expectedVersion),
    )
    const streams = new Set<string>()
    const ids = new Set<string>()
    let events = 0
    let bytes = 0
    for (const request of requests) {
      if (streams.has(request.streamId)) {
        throw new InvalidArgumentError(
          'appends',
          `names stream ${quote(request.streamId)} twice; put its events into one append`,
        )
      }
      streams.add(request.streamId)
      for (const { id } of request.events) {
        if (ids.has(id)) throw new InvalidArgumentError('appends', `holds event id ${id} twice`)
        ids.add(id)
      }
      events += request.events.length
      bytes += request.bytes
    }
    const what = `The append to ${requests.length} streams`
    if (events > this.limits.maxAppendEvents) {
      throw new TooLargeError(what, 'maxAppendEvents', events, this.limits.maxAppendEvents)
    }
    checkAppendBytes(what, bytes, this.limits)
    return requests
  }

  /**
   * Runs a call that `close()` waits for. The caller's signal ends it at once for the caller; what it started is waited
   * for all the same.
   */
  protected async run<T>(
    operation: string,
    signal: AbortSignal | undefined,
    work: (scope: Scope) => Promise<T>,
  ): Promise<T> {
    const scope = this.#open(operation, signal, false)
    if (scope.failure) {
      scope.dispose()
      throw scope.failure
    }
    const working = work(scope)
    working.catch(ignore).finally(() => scope.dispose())
    return scope.race(working)
  }

  /** Something was written by an adapter's own way: wakes this process's subscriptions. */
  protected wroteEvents(): void {
    this.#news.hint()
  }

  #open(operation: string, signal: AbortSignal | undefined, iteration: boolean): Scope {
    this.assertOpen()
    const scope = new Scope(operation, signal, iteration)
    this.#scopes.add(scope)
    void scope.released.then(() => this.#scopes.delete(scope))
    return scope
  }

  #retry(scope: Scope, budgetMs = this.#budgetMs): Retry {
    return new Retry(scope, budgetMs, this.#options.onRetry)
  }

  #engine(scope: Scope) {
    return {
      driver: this.#driver,
      news: this.#news,
      scope,
      retry: this.#retry(scope, Number.POSITIVE_INFINITY),
      attemptTimeoutMs: this.#attemptTimeoutMs,
    }
  }

  async #repeatable<T>(
    operation: string,
    options: Signal,
    call: (signal: AbortSignal) => Promise<T>,
    attemptTimeoutMs = this.#attemptTimeoutMs,
  ): Promise<T> {
    return this.run(operation, options?.signal, (scope) =>
      retrying(this.#driver, scope, this.#retry(scope), attemptTimeoutMs, async (signal) =>
        call(signal),
      ),
    )
  }

  /**
   * Writes, and repeats where that is safe (ERR-2): the earlier attempt certainly did nothing, or the repetition is
   * recognised (IDEM-1, IDEM-2), or the driver has looked for the earlier attempt and not found it.
   */
  async #write<R>(
    requests: readonly AppendRequest[],
    scope: Scope,
    write: (signal: AbortSignal) => Promise<R>,
    find: (signal: AbortSignal) => Promise<R | null>,
  ): Promise<R> {
    const driver = this.#driver
    const retry = this.#retry(scope)
    const exact =
      driver.capabilities.idempotentAny === 'always' ||
      requests.every((request) => typeof request.expected === 'number')
    // Whether an earlier attempt may have taken effect without our knowing.
    let inDoubt = false
    for (;;) {
      try {
        if (inDoubt && !exact) {
          const found = await attempt(scope, this.#attemptTimeoutMs, find)
          if (found) return this.#wrote(found)
          inDoubt = false
        }
        return this.#wrote(await attempt(scope, this.#attemptTimeoutMs, write))
      } catch (error) {
        if (scope.failure) throw scope.failure
        const translated = translate(driver, error)
        const verdict = isVerdict(translated.error)
        if (verdict && !(inDoubt && mayHoldLater(translated.error))) throw translated.error
        inDoubt ||= translated.outcomeUnknown
        const repeatable =
          !verdict && translated.retryable && (!inDoubt || exact || driver.findAppend)
        if (repeatable && (await retry.wait(error))) continue
        if (!inDoubt) throw retry.exhausted(translated.error)
        throw new UnknownOutcomeError(
          requests[0]!.streamId,
          requests.flatMap((request) => request.events.map((event) => event.id)),
          { cause: translated.error.cause ?? translated.error },
        )
      }
    }
  }

  #wrote<R>(result: R): R {
    this.#news.hint()
    return result
  }

  async #findAll(
    requests: readonly AppendRequest[],
    signal: AbortSignal,
  ): Promise<readonly AppendResult[] | null> {
    const results: AppendResult[] = []
    for (const request of requests) {
      const result = await this.#driver.findAppend?.(request, signal)
      // One atomic write: what holds of the first stream holds of all.
      if (!result) return null
      results.push(result)
    }
    return results
  }

  #reader<E extends EventShape, B>(
    operation: string,
    signal: AbortSignal | undefined,
    prepare: () => ReadPlan<B>,
  ): EventReader<E> {
    const open = () => this.#open(operation, signal, true)
    const start = (scope: Scope) =>
      new Reading(prepare(), this.#driver, scope, this.#retry(scope), this.#attemptTimeoutMs)
    const batches = () => iterateBatches(open, start) as AsyncIterable<readonly RecordedEvent<E>[]>
    const items = iterateItems(open, start) as AsyncIterable<RecordedEvent<E>>
    return {
      [Symbol.asyncIterator]: () => items[Symbol.asyncIterator](),
      batches,
      toArray: async () => {
        const all: RecordedEvent<E>[] = []
        for await (const batch of batches()) for (const event of batch) all.push(event)
        return all
      },
    }
  }

  #checkpoints(): CheckpointStore {
    return {
      load: (subscriptionId, options) =>
        this.#repeatable('checkpoints.load', options, (signal) => {
          checkSubscriptionId(subscriptionId)
          return this.#driver.loadCheckpoint(subscriptionId, signal)
        }),
      save: (subscriptionId, position, options = {}) =>
        this.run('checkpoints.save', options.signal, async (scope) => {
          checkSubscriptionId(subscriptionId)
          checkPosition(position, this.#driver, 'position')
          const { expected } = options
          if (expected !== undefined && expected !== null) {
            checkPosition(expected, this.#driver, 'expected')
          }
          // An attempt whose answer was lost may have saved: the repetition then finds its own position there.
          let inDoubt = false
          await retrying(
            this.#driver,
            scope,
            this.#retry(scope),
            this.#attemptTimeoutMs,
            async (signal) => {
              const refused = await this.#driver.saveCheckpoint(
                subscriptionId,
                position,
                expected,
                signal,
              )
              if (!refused || (inDoubt && refused.actual === position)) return
              throw new CheckpointConflictError(subscriptionId, expected ?? null, refused.actual)
            },
            (failure) => {
              inDoubt ||= failure.outcomeUnknown
            },
          )
        }),
      delete: (subscriptionId, options) =>
        this.#repeatable('checkpoints.delete', options, (signal) => {
          checkSubscriptionId(subscriptionId)
          return this.#driver.deleteCheckpoint(subscriptionId, signal)
        }),
    }
  }

  #snapshots(): SnapshotStore {
    return {
      load: <S>(streamId: string, options: Signal) =>
        this.#repeatable('snapshots.load', options, async (signal): Promise<Snapshot<S> | null> => {
          checkStreamId(streamId, this.limits)
          try {
            const stored = await this.#driver.loadSnapshot(streamId, signal)
            return (
              stored && {
                streamId,
                version: stored.version,
                state: decodePayload(stored.state) as S,
              }
            )
          } catch (error) {
            // Unreadable is as good as none (SNAP-1): the events are the truth.
            if (error instanceof SyntaxError || isEventStoreError(error, 'CORRUPT')) return null
            throw error
          }
        }),
      save: (snapshot, options) =>
        this.#repeatable('snapshots.save', options, async (signal) => {
          const { streamId, version, state } = snapshot
          checkStreamId(streamId, this.limits)
          checkSnapshotVersion(version)
          const encoded = encodePayload(state)
          if ('problem' in encoded) {
            throw new InvalidArgumentError(
              `snapshot.state${encoded.problem.path}`,
              encoded.problem.text,
            )
          }
          const bytes = payloadBytes(encoded.payload)
          if (bytes > this.limits.maxEventBytes) {
            throw new TooLargeError(
              `The snapshot of stream ${quote(streamId)}`,
              'maxEventBytes',
              bytes,
              this.limits.maxEventBytes,
            )
          }
          await this.#driver.saveSnapshot(streamId, version, encoded.payload, signal)
        }),
      delete: (streamId, options) =>
        this.#repeatable('snapshots.delete', options, async (signal) => {
          checkStreamId(streamId, this.limits)
          await this.#driver.deleteSnapshot(streamId, signal)
        }),
    }
  }

  async #close(): Promise<void> {
    const open = [...this.#scopes]
    for (const scope of open) if (scope.iteration) scope.end(closedDuring(scope.operation))
    await Promise.all(open.map((scope) => scope.released))
    await this.#news.close().catch(ignore)
    await this.#driver.close()
  }
}

function checkMilliseconds(argument: string, value: unknown, least: number): void {
  if (typeof value === 'number' && value >= least) return
  throw new InvalidArgumentError(argument, `must be a number of milliseconds from ${least}`)
}

/** What the database has decided, whatever happened to earlier attempts. */
function isVerdict(error: unknown): boolean {
  return (
    isEventStoreError(error, 'WRONG_EXPECTED_VERSION') ||
    isEventStoreError(error, 'DUPLICATE_EVENT_ID') ||
    isEventStoreError(error, 'UNSUPPORTED') ||
    isEventStoreError(error, 'TOO_LARGE') ||
    isEventStoreError(error, 'STREAM_DELETED')
  )
}

/**
 * Whether an expectation that was refused may be met yet, by an earlier attempt that is still on its way: the stream has
 * not come so far. One that it has passed is never met again.
 */
function mayHoldLater(error: unknown): boolean {
  if (!isEventStoreError(error, 'WRONG_EXPECTED_VERSION')) return false
  const { expected, actual } = error
  return typeof expected === 'number' ? actual < expected : true
}

/** An event store over a driver: what an adapter's factory returns. */
export function createEventStore(driver: StoreDriver, options?: StoreOptions): EventStore {
  return new DriverEventStore(driver, options)
}
