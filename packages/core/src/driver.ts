import type { Capabilities } from './capabilities.js'
import type { EventStoreError } from './errors.js'
import type { AppendResult, Direction } from './event-store.js'
import type { Position } from './events.js'
import type { ExpectedVersion } from './expected-version.js'
import type { Filter } from './filter.js'
import type { Limits } from './limits.js'

/**
 * A payload as a driver keeps it: JSON text, or bytes. It must come back exactly so, or as JSON text of an equal value, and
 * text as text, bytes as bytes. The text holds no U+0000 and no lone surrogate: JSON escapes them.
 */
export type Payload = string | Uint8Array

/** An event that core has validated and encoded. */
export interface EncodedEvent {
  /** UUID, lower case. */
  readonly id: string
  /** 1 to 255 bytes of UTF-8, well-formed, without control characters (so without U+0000). */
  readonly type: string
  readonly data: Payload
  /** JSON text of an object. */
  readonly metadata: string
  /** The event's size as `limits` counts it. */
  readonly bytes: number
}

/** A valid append: at least one event, ids all different, inside the limits. */
export interface AppendRequest {
  /** Not empty, well-formed, without control characters. Compared exactly, as bytes: `Order-1` is not `order-1`. */
  readonly streamId: string
  readonly events: readonly EncodedEvent[]
  readonly expected: ExpectedVersion
  /** The size of all the events. */
  readonly bytes: number
}

/** An event as a driver reads it. */
export interface StoredEvent {
  readonly id: string
  readonly streamId: string
  readonly version: number
  readonly position: Position
  readonly type: string
  readonly data: Payload
  readonly metadata: string
  readonly recordedAt: Date
}

export interface StreamQuery {
  readonly streamId: string
  readonly direction: Direction
  /** Inclusive; undefined only backwards, where it means the last event. May lie outside the stream. */
  readonly fromVersion: number | undefined
  /** At least 1; `Infinity` where the caller set none. */
  readonly limit: number
  readonly signal: AbortSignal
}

export interface AllQuery {
  readonly direction: Direction
  /** Exclusive; null: from the end where the reading starts. May lie beyond the head, e.g. after a restore of old data. */
  readonly after: Position | null
  /** At least 1; `Infinity` where the caller set none. */
  readonly limit: number
  /**
   * Null: everything. Lists are non-empty, without repeats, and may be longer than one statement of the database takes;
   * their texts are non-empty, well-formed, without control characters.
   */
  readonly filter: Filter | null
  readonly signal: AbortSignal
}

/** A step of reading all. */
export interface AllBatch {
  /** The events that passed the filter; may be empty. */
  readonly events: readonly StoredEvent[]
  /**
   * How far the driver has looked: nothing between the previous batch's and this place is unread, and a read after it
   * goes on without a gap. Before every event: the driver's `origin`. It never goes back: where `after` lies beyond the
   * head, it is `after`. Where a page was cut (by a limit on events, or on bytes), it is the last event given.
   */
  readonly scannedTo: Position
  /** Whether `scannedTo` was the head (the end of the order in this direction) when it was read. */
  readonly atHead: boolean
}

/** What a client's error means. */
export interface TranslatedError {
  /**
   * What the caller is told where nothing can be repeated any more. UnavailableError for what is retryable, and for what
   * is not known. Core makes the UnknownOutcomeError of an append in doubt.
   */
  readonly error: EventStoreError
  /** Whether the same call may succeed a little later. */
  readonly retryable: boolean
  /** Whether a write that failed so may have taken effect, now or later. */
  readonly outcomeUnknown: boolean
}

export type Release = () => void | Promise<void>

/**
 * What an adapter gives. Arguments are finished: validated, encoded, defaults filled in. A driver neither retries nor
 * validates; it throws its client's errors, or an `EventStoreError` where it knows better (which is final: core does not
 * repeat it), and core does the rest. Nothing may be sent before the first call.
 *
 * Calls come at the same time, on one driver. When a call's signal aborts, its caller has been told already: end the work
 * soon, with whatever error. Core repeats every call whose error is retryable, `migrate` as well.
 */
export interface StoreDriver {
  /** The backend's name in messages, e.g. 'postgres'. */
  readonly name: string
  /** A record, or a getter that answers after the first call where the server must be asked. */
  readonly capabilities: Capabilities
  /** The database's own limits (not less than the portable envelope). */
  readonly limits: Limits
  /** What this driver's positions look like, with their constant tag; anything else is refused by core. */
  readonly positionPattern: RegExp
  /** A position that precedes every event. */
  readonly origin: Position
  /** How often core asks for news without a hint, in milliseconds: from `min` after news up to `max` when idle. Default: 10 and 1000. */
  readonly polling?: { readonly min: number; readonly max: number }

  /**
   * Asks the server what it offers, where `capabilities` depends on it. Core calls it before it relies on a capability
   * that may be off; it must cost nothing once the answer is known.
   */
  prepare?(signal: AbortSignal): Promise<void>

  /** Throws WrongExpectedVersionError, DuplicateEventIdError, or the client's error. A repeat returns the first result. */
  append(request: AppendRequest, signal: AbortSignal): Promise<AppendResult>
  /** Where `capabilities.multiStreamAppend`: all or nothing, results in the order of the requests; streams are distinct. */
  appendMany?(
    requests: readonly AppendRequest[],
    signal: AbortSignal,
  ): Promise<readonly AppendResult[]>
  /**
   * Where a blind repeat of an append with 'any' or 'exists' is not exact: looks for an append whose outcome is
   * unknown. Returns its result, or null where it certainly has not taken and will not take effect.
   * Throws where it cannot tell. Core calls it before it repeats.
   */
  findAppend?(request: AppendRequest, signal: AbortSignal): Promise<AppendResult | null>

  /** Batches in order; ends at the stream's end or the limit. */
  readStream(query: StreamQuery): AsyncIterable<readonly StoredEvent[]>
  /** Batches in order; ends after a batch with `atHead`, or at the limit. Yields at least one batch. */
  readAll(query: AllQuery): AsyncIterable<AllBatch>
  /**
   * A native subscription, for a database that pushes: like `readAll` forwards, but it never ends. Core reconnects it
   * when it throws. Without it, core repeats `readAll` with `watch` and polling.
   */
  tailAll?(query: AllQuery): AsyncIterable<AllBatch>
  /** The same for a stream: a batch that is empty says that the head was reached. */
  tailStream?(query: StreamQuery): AsyncIterable<readonly StoredEvent[]>
  /**
   * Asks for a hint when something may be new: `onNews`. `onLost` where the hint can't be given any more, or a rejection
   * where it can't be given at all; core then polls, and asks again later. Hints may be missed or given in vain. Core asks
   * once for all subscriptions of a store, and releases it with the last of them. Appends through this driver need no hint.
   */
  watch?(onNews: () => void, onLost: (error: unknown) => void): Promise<Release>

  streamVersion(streamId: string, signal: AbortSignal): Promise<number>
  headPosition(signal: AbortSignal): Promise<Position | null>

  loadCheckpoint(subscriptionId: string, signal: AbortSignal): Promise<Position | null>
  /**
   * `expected` undefined: unconditionally; null: only where there is none. Returns null where it was saved, else what is
   * there instead; core knows its own save again when it repeats one whose answer was lost.
   */
  saveCheckpoint(
    subscriptionId: string,
    position: Position,
    expected: Position | null | undefined,
    signal: AbortSignal,
  ): Promise<null | { readonly actual: Position | null }>
  deleteCheckpoint(subscriptionId: string, signal: AbortSignal): Promise<void>

  /** The state as it is there: what is not JSON any more, and a CorruptError, core takes for no snapshot. */
  loadSnapshot(
    streamId: string,
    signal: AbortSignal,
  ): Promise<{ readonly version: number; readonly state: Payload } | null>
  /** Leaves a newer snapshot alone; replaces one of the same version. */
  saveSnapshot(
    streamId: string,
    version: number,
    state: Payload,
    signal: AbortSignal,
  ): Promise<void>
  deleteSnapshot(streamId: string, signal: AbortSignal): Promise<void>

  migrate(signal: AbortSignal): Promise<void>
  /** Releases what the driver opened. Called once, after the last call has ended. */
  close(): Promise<void>

  /**
   * The one place that knows the client's errors. Never called with an `EventStoreError`. It sees the error alone: where
   * the meaning depends on what was going on (a COMMIT, say), throw an error of your own with the client's as its `cause`.
   */
  translateError(error: unknown): TranslatedError
}
