import type { Capabilities } from './capabilities.js'
import type { EventShape, NewEvent, Position, RecordedEvent } from './events.js'
import type { ExpectedVersion } from './expected-version.js'
import type { Filter } from './filter.js'
import type { Limits } from './limits.js'

/** Where an append ended: the version and the position of its last event (APPEND-5). */
export interface AppendResult {
  readonly version: number
  readonly position: Position
}

export interface AppendOptions {
  /** Default: 'any'. A number makes a retry exact on every store. */
  readonly expectedVersion?: ExpectedVersion | undefined
  /** Before the append is sent: nothing is written. After: ABORTED, and it may have taken effect. */
  readonly signal?: AbortSignal | undefined
}

/** One stream's part of `appendToStreams`. */
export interface StreamAppend<E extends EventShape = EventShape> {
  readonly streamId: string
  readonly events: readonly NewEvent<E>[]
  /** Default: 'any'. */
  readonly expectedVersion?: ExpectedVersion | undefined
}

export type Direction = 'forwards' | 'backwards'

export interface ReadStreamOptions {
  /** Inclusive in both directions. Default: the first event, backwards the last. */
  readonly fromVersion?: number | undefined
  /** Default: 'forwards'. */
  readonly direction?: Direction | undefined
  /** How many events at most. Default: all that are there. 0 gives nothing. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ReadAllOptions {
  /** Exclusive in both directions: forwards what is above it, backwards what is below it. Default: from the end where the reading starts. */
  readonly after?: Position | undefined
  /** Default: 'forwards'. */
  readonly direction?: Direction | undefined
  /** How many events (that pass the filter) at most. Default: all that are there. 0 gives nothing. */
  readonly limit?: number | undefined
  readonly filter?: Filter | undefined
  readonly signal?: AbortSignal | undefined
}

/** Events as they arrive, in order. Nothing is sent before the iteration starts; each iteration is a read of its own. */
export interface EventReader<E extends EventShape = EventShape>
  extends AsyncIterable<RecordedEvent<E>> {
  /** The same events in arrays as the database gives them: fewer awaits, so faster for long reads. */
  batches(): AsyncIterable<readonly RecordedEvent<E>[]>
  /** All of them. Mind the memory. */
  toArray(): Promise<RecordedEvent<E>[]>
}

export interface SubscribeToAllOptions {
  /** Where to go on: a position (exclusive), 'start' (default), or 'end' (only what comes from now on). */
  readonly after?: Position | 'start' | 'end' | undefined
  readonly filter?: Filter | undefined
  readonly signal?: AbortSignal | undefined
}

export interface SubscribeToStreamOptions {
  /** Where to go on: a version (exclusive; 0, the default, is the start), or 'end'. */
  readonly afterVersion?: number | 'end' | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * What a subscription to all gives. Each message carries a position to go on from (SUB-5):
 * `event.position`, or the `position` of the other two.
 */
export type AllMessage<E extends EventShape = EventShape> =
  | { readonly kind: 'event'; readonly event: RecordedEvent<E> }
  /** The subscription has reached the head. */
  | { readonly kind: 'caughtUp'; readonly position: Position }
  /** Nothing passed the filter up to here. */
  | { readonly kind: 'progress'; readonly position: Position }

/** What a subscription to one stream gives. */
export type StreamMessage<E extends EventShape = EventShape> =
  | { readonly kind: 'event'; readonly event: RecordedEvent<E> }
  | { readonly kind: 'caughtUp'; readonly version: number }

export interface CheckpointStore {
  /** The position last saved, or null. */
  load(
    subscriptionId: string,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Position | null>
  /**
   * Saves, durably and atomically. With `expected`, only where the checkpoint is exactly that (null: not there yet).
   * @throws CHECKPOINT_CONFLICT where it is not: another owner moved it.
   */
  save(
    subscriptionId: string,
    position: Position,
    options?: { expected?: Position | null | undefined; signal?: AbortSignal | undefined },
  ): Promise<void>
  /** Forgets it, so that the subscription starts from the beginning. Nothing happens where there is none. */
  delete(subscriptionId: string, options?: { signal?: AbortSignal | undefined }): Promise<void>
}

export interface Snapshot<S = unknown> {
  readonly streamId: string
  /** The stream's version that the state was taken at. */
  readonly version: number
  readonly state: S
}

export interface SnapshotStore {
  /** The newest snapshot of the stream, or null: none, lost or unreadable. Then read the whole stream. */
  load<S = unknown>(
    streamId: string,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<Snapshot<S> | null>
  /**
   * Keeps a snapshot unless a newer one is there (SNAP-1). The state is a JSON value or bytes, at most
   * `limits.maxEventBytes`.
   */
  save(snapshot: Snapshot, options?: { signal?: AbortSignal | undefined }): Promise<void>
  /** Forgets it, e.g. when the shape of the state has changed. */
  delete(streamId: string, options?: { signal?: AbortSignal | undefined }): Promise<void>
}

/** What a retry or a reconnection is told to `onRetry`. */
export interface RetryNotice {
  /** The call, e.g. 'append' or 'subscribeToAll'. */
  readonly operation: string
  /** 1 for the first retry since the last success. */
  readonly attempt: number
  readonly delayMs: number
  readonly error: unknown
}

/** The options that every store takes. */
export interface StoreOptions {
  /**
   * 'portable' (default): core refuses what does not fit the portable envelope. 'backend': the database's own
   * limits apply, and the application may depend on this database by accident.
   */
  readonly limits?: 'portable' | 'backend' | undefined
  /** For how long a call retries transient failures, in milliseconds. Default: 10,000. 0: never. Subscriptions reconnect without end. */
  readonly retryBudgetMs?: number | undefined
  /**
   * How long one attempt of a call, or one batch of a read, may take before it counts as lost and is tried again, in
   * milliseconds. Default: 10,000. `migrate()` is not limited.
   */
  readonly attemptTimeoutMs?: number | undefined
  /** Told of each retry and reconnection, for logs and metrics. Must not throw. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined
}

/**
 * Streams of events in one global order. Every store keeps the same numbered contract (docs/contract.md); the ids
 * in these comments are its rules. Every failure is an `EventStoreError` with a stable `code` (ERR-1).
 */
export interface EventStore extends AsyncDisposable {
  readonly capabilities: Capabilities
  /** The limits in force. */
  readonly limits: Limits

  /** Creates or upgrades what the store needs in the database. Safe to call at each start, and from several processes at once. */
  migrate(options?: { signal?: AbortSignal | undefined }): Promise<void>

  /**
   * Adds events to a stream: all or nothing, durable once acknowledged.
   *
   * A repeat with the same event ids and the same expectation writes nothing and returns the first result.
   * @throws WRONG_EXPECTED_VERSION, DUPLICATE_EVENT_ID, INVALID_ARGUMENT, TOO_LARGE: nothing was written.
   * @throws UNAVAILABLE: nothing was written. UNKNOWN_OUTCOME: repeat with the same ids.
   */
  append<E extends EventShape = EventShape>(
    streamId: string,
    events: readonly NewEvent<E>[],
    options?: AppendOptions,
  ): Promise<AppendResult>

  /**
   * Adds events to several streams, each named once: all or nothing (MULTI-1). The results are in the order of the
   * arguments. Its limits are those of one append, over all its streams.
   * @throws UNSUPPORTED where `capabilities.multiStreamAppend` is false.
   */
  appendToStreams(
    appends: readonly StreamAppend[],
    options?: { signal?: AbortSignal | undefined },
  ): Promise<readonly AppendResult[]>

  /** Reads one stream. A stream that was never written is empty. */
  readStream<E extends EventShape = EventShape>(
    streamId: string,
    options?: ReadStreamOptions,
  ): EventReader<E>

  /** Reads the store's events in the global order, up to the head. */
  readAll<E extends EventShape = EventShape>(options?: ReadAllOptions): EventReader<E>

  /**
   * Gives each matching event once and in order: the past, then the present, without end. It reconnects by itself;
   * a failure that is final ends it with an error.
   */
  subscribeToAll<E extends EventShape = EventShape>(
    options?: SubscribeToAllOptions,
  ): AsyncIterable<AllMessage<E>>

  /** The same for one stream. */
  subscribeToStream<E extends EventShape = EventShape>(
    streamId: string,
    options?: SubscribeToStreamOptions,
  ): AsyncIterable<StreamMessage<E>>

  /** The version of the stream's last event; 0 where it was never written. */
  streamVersion(streamId: string, options?: { signal?: AbortSignal | undefined }): Promise<number>

  /** The position of the last event that a reader of all can see now; null in an empty store. */
  headPosition(options?: { signal?: AbortSignal | undefined }): Promise<Position | null>

  readonly checkpoints: CheckpointStore
  readonly snapshots: SnapshotStore

  /** Ends reads and subscriptions (CLOSED), waits for the writes in flight, releases what the store opened. Safe to call twice. */
  close(): Promise<void>
}
