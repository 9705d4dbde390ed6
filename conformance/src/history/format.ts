import type { Capabilities, Direction, ErrorCode, Filter, Position } from '@annals/core'

/**
 * A history is JSON lines: this header, then what processes did to one store, in the order of `at`. The format is
 * described in docs/history-format.md.
 */
export interface HistoryHeader {
  readonly annals: 'history'
  readonly version: 1
  /** The store and its server, for people. */
  readonly store: string
  /** What the store claims. It decides which repeats must be recognised. */
  readonly capabilities: Capabilities
  /**
   * Streams whose id begins so belong to the history. What readers of all see of others is left out of account, so
   * that a history can be taken on a database that is not empty. Default: every stream.
   */
  readonly streamPrefix?: string
  /** What repeats the schedule. */
  readonly seed?: number
  /** Anything else, for people. */
  readonly [note: string]: unknown
}

/**
 * Microseconds of a clock that all processes share and that never goes back. Of a call it is rounded down, of
 * everything else up, so that "before" is never claimed where it is not sure.
 */
export type Micros = number

export type HistoryLine = CallLine | GotLine | ReturnLine | DiedLine | QuietLine | NoteLine

/** Written before the request is made: a process that dies leaves it without a `return`. */
export type CallLine = {
  readonly t: 'call'
  /** Unique in the history. */
  readonly op: string
  readonly process: string
  readonly at: Micros
} & Request

export type Request =
  | ({ readonly do: 'append' } & AppendPart)
  | { readonly do: 'appendToStreams'; readonly appends: readonly AppendPart[] }
  | {
      readonly do: 'readStream'
      readonly stream: string
      readonly direction: Direction
      readonly from?: number
      readonly limit?: number
    }
  | {
      readonly do: 'readAll'
      readonly direction: Direction
      readonly after?: Position
      readonly limit?: number
      readonly filter?: Filter
    }
  | {
      readonly do: 'subscribeToAll'
      readonly after: Position | 'start' | 'end'
      readonly filter?: Filter
      /** Which subscription this is a run of, for people. */
      readonly name?: string
    }
  | {
      readonly do: 'subscribeToStream'
      readonly stream: string
      readonly after: number | 'end'
      readonly name?: string
    }
  | { readonly do: 'streamVersion'; readonly stream: string }
  | { readonly do: 'headPosition' }
  | { readonly do: 'loadCheckpoint'; readonly subscription: string }
  | {
      readonly do: 'saveCheckpoint'
      readonly subscription: string
      readonly position: Position
      /** Absent: unconditionally. Null: there must be none. */
      readonly expected?: Position | null
    }
  | { readonly do: 'deleteCheckpoint'; readonly subscription: string }
  | { readonly do: 'loadSnapshot'; readonly stream: string }
  | {
      readonly do: 'saveSnapshot'
      readonly stream: string
      readonly version: number
      readonly digest: string
    }
  | { readonly do: 'deleteSnapshot'; readonly stream: string }

export interface AppendPart {
  readonly stream: string
  readonly expected: number | 'any' | 'exists'
  readonly events: readonly AskedEvent[]
}

/** Id, type, and a digest of type, data and metadata. */
export type AskedEvent = readonly [id: string, type: string, digest: string]

/** An event as a reader saw it. */
export type SeenEvent = readonly [
  stream: string,
  version: number,
  position: Position,
  id: string,
  digest: string,
]

/** What a subscription gave its consumer, in order. */
export interface GotLine {
  readonly t: 'got'
  readonly op: string
  readonly at: Micros
  readonly events?: readonly SeenEvent[]
  /** After the events of this line: a position, of a stream's subscription a version. */
  readonly caughtUp?: Position | number
  readonly progress?: Position
}

export interface ReturnLine {
  readonly t: 'return'
  readonly op: string
  readonly at: Micros
  /**
   * ok: it was done. fail: it was certainly not done, and will not be. unknown: either; also whatever has no return.
   * For what only reads, fail says no more than that it has no answer.
   */
  readonly outcome: 'ok' | 'fail' | 'unknown'
  /** Of a failure. */
  readonly code?: ErrorCode | 'OTHER'
  readonly message?: string
  /** The store made more than one attempt, or may have: an earlier one may still be under way. */
  readonly retried?: boolean
  /** Of an append that was refused: the stream that the error names, and its true version. */
  readonly stream?: string
  /** Of a refused append a version, of a refused checkpoint a position or null. */
  readonly actual?: number | Position | null
  /** Of appends, one for each stream. */
  readonly results?: readonly (readonly [version: number, position: Position])[]
  /** Of reads, also those that failed half-way: what was given until then. */
  readonly events?: readonly SeenEvent[]
  /** Of reads and subscriptions: it ended by itself (at the head, or at its limit), or the reader stopped it. */
  readonly end?: 'itself' | 'stopped'
  /** Of `streamVersion`. */
  readonly version?: number | null
  /** Of `headPosition` and `loadCheckpoint`. */
  readonly position?: Position | null
  /** Of `loadSnapshot`; null where there was none. */
  readonly snapshot?: readonly [version: number, digest: string] | null
  /** Of a subscription: the reader waited this long, in milliseconds, for what was there, and gave up. */
  readonly stalledMs?: number
}

/** A process was killed: what it had under way will not be answered. */
export interface DiedLine {
  readonly t: 'died'
  readonly process: string
  readonly at: Micros
}

/**
 * Whoever wrote this knows that no append is under way any more, also none of unknown outcome: enough time has
 * passed since the last one.
 */
export interface QuietLine {
  readonly t: 'quiet'
  readonly at: Micros
}

/** Something that happened around the store, such as a fault. The checker only counts it. */
export interface NoteLine {
  readonly t: 'note'
  readonly at: Micros
  readonly fault?: string
  readonly text?: string
}
