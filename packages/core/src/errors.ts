import type { ExpectedVersion } from './expected-version.js'

/** The stable codes of every failure. Decide by code, never by message. */
export type ErrorCode =
  | 'WRONG_EXPECTED_VERSION'
  | 'DUPLICATE_EVENT_ID'
  | 'CHECKPOINT_CONFLICT'
  | 'INVALID_ARGUMENT'
  | 'TOO_LARGE'
  | 'UNAVAILABLE'
  | 'UNKNOWN_OUTCOME'
  | 'UNSUPPORTED'
  | 'ACCESS_DENIED'
  | 'SCHEMA_MISSING'
  | 'STREAM_DELETED'
  | 'CORRUPT'
  | 'ABORTED'
  | 'CLOSED'

const brand: unique symbol = Symbol.for('@annals/EventStoreError') as never

/** What every failure of a store is. `cause` holds the database client's own error where there is one. */
export class EventStoreError extends Error {
  readonly code: ErrorCode
  readonly [brand] = true

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

/**
 * Whether a value is an error of a store, of the given code if one is named. Works across copies of this
 * package, where `instanceof` does not.
 */
export function isEventStoreError<C extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: C,
): error is C extends keyof ErrorsByCode ? ErrorsByCode[C] : EventStoreError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [brand]?: unknown })[brand] === true &&
    (code === undefined || (error as EventStoreError).code === code)
  )
}

/** The error class behind each code. */
export interface ErrorsByCode {
  WRONG_EXPECTED_VERSION: WrongExpectedVersionError
  DUPLICATE_EVENT_ID: DuplicateEventIdError
  CHECKPOINT_CONFLICT: CheckpointConflictError
  INVALID_ARGUMENT: InvalidArgumentError
  TOO_LARGE: TooLargeError
  UNAVAILABLE: UnavailableError
  UNKNOWN_OUTCOME: UnknownOutcomeError
  UNSUPPORTED: UnsupportedError
  ACCESS_DENIED: AccessDeniedError
  SCHEMA_MISSING: SchemaMissingError
  STREAM_DELETED: StreamDeletedError
  CORRUPT: CorruptError
  ABORTED: AbortedError
  CLOSED: ClosedError
}

/** WRONG_EXPECTED_VERSION: the stream is not at the version that the append demanded. Nothing was written. */
export class WrongExpectedVersionError extends EventStoreError {
  constructor(
    readonly streamId: string,
    readonly expected: ExpectedVersion,
    /** The stream's true version when the append was refused; 0 where it was never written. */
    readonly actual: number,
    options?: { cause?: unknown },
  ) {
    super(
      'WRONG_EXPECTED_VERSION',
      `Append to stream ${quote(streamId)} refused: expected ${
        expected === 'exists' ? 'an existing stream' : `version ${expected}`
      }, but it ${actual === 0 ? 'was never written' : `is at version ${actual}`}. Nothing was written; read the stream again, decide again, and append with its version.`,
      options,
    )
  }
}

/** DUPLICATE_EVENT_ID: an id is in the stream already and the append is not a repeat of the one that wrote it. Nothing was written. */
export class DuplicateEventIdError extends EventStoreError {
  constructor(
    readonly streamId: string,
    /** The ids that are in the stream already, as far as the store looked. */
    readonly eventIds: readonly string[],
    options?: { cause?: unknown },
  ) {
    super(
      'DUPLICATE_EVENT_ID',
      `Append to stream ${quote(streamId)} refused: event id ${eventIds.slice(0, 3).join(', ')}${
        eventIds.length > 3 ? ` and ${eventIds.length - 3} more` : ''
      } is in the stream already, and this append does not repeat the one that wrote it. Nothing was written; give new events new ids.`,
      options,
    )
  }
}

/** CHECKPOINT_CONFLICT: the checkpoint is not where the save demanded: another owner has moved it. The save does not stand. */
export class CheckpointConflictError extends EventStoreError {
  constructor(
    readonly subscriptionId: string,
    readonly expected: string | null,
    /** The checkpoint as it is; null where there is none. */
    readonly actual: string | null,
    options?: { cause?: unknown },
  ) {
    super(
      'CHECKPOINT_CONFLICT',
      `The save of checkpoint ${quote(subscriptionId)} does not stand: expected ${expected ?? 'none'}, but it is ${
        actual ?? 'none'
      }. Another owner of this subscription is at work; stop this one.`,
      options,
    )
  }
}

/** INVALID_ARGUMENT: a call that no store can accept. Nothing was sent. */
export class InvalidArgumentError extends EventStoreError {
  constructor(
    /** The argument at fault, e.g. `events[2].data.total`. */
    readonly argument: string,
    problem: string,
    options?: { cause?: unknown },
  ) {
    super('INVALID_ARGUMENT', `${argument} ${problem}`, options)
  }
}

/** TOO_LARGE: outside the store's limits. Nothing was written. */
export class TooLargeError extends EventStoreError {
  constructor(
    readonly argument: string,
    readonly limit: string,
    readonly actual: number,
    readonly maximum: number,
    options?: { cause?: unknown },
  ) {
    super(
      'TOO_LARGE',
      `${argument} is too large: ${actual} exceeds ${limit} = ${maximum}. Nothing was written.`,
      options,
    )
  }
}

/** UNAVAILABLE: the database could not be reached or did not serve, for longer than the retry budget. An append that fails so has written nothing. */
export class UnavailableError extends EventStoreError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('UNAVAILABLE', message, options)
  }
}

/** UNKNOWN_OUTCOME: the store could not find out whether the append took effect. Repeat it with the same event ids and the same expectation. */
export class UnknownOutcomeError extends EventStoreError {
  constructor(
    readonly streamId: string,
    readonly eventIds: readonly string[],
    options?: { cause?: unknown },
  ) {
    super(
      'UNKNOWN_OUTCOME',
      `Append to stream ${quote(streamId)} was sent, but the answer was lost and the store could not find out whether it took effect. Repeat it with the same event ids and the same expectedVersion: it takes effect once.`,
      options,
    )
  }
}

/** UNSUPPORTED: the store's capabilities do not offer this call. */
export class UnsupportedError extends EventStoreError {
  constructor(
    readonly capability: string,
    /** What to do instead. */
    readonly alternative: string,
    options?: { cause?: unknown },
  ) {
    super(
      'UNSUPPORTED',
      `This store does not offer ${capability}. Instead: ${alternative}`,
      options,
    )
  }
}

/** ACCESS_DENIED: the database refused the credentials or the right. */
export class AccessDeniedError extends EventStoreError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ACCESS_DENIED', message, options)
  }
}

/** SCHEMA_MISSING: the tables are not there or are of another version: call `migrate()`. */
export class SchemaMissingError extends EventStoreError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('SCHEMA_MISSING', message, options)
  }
}

/** STREAM_DELETED: another tool deleted the stream. The contract itself never deletes. */
export class StreamDeletedError extends EventStoreError {
  constructor(
    readonly streamId: string,
    options?: { cause?: unknown },
  ) {
    super(
      'STREAM_DELETED',
      `Stream ${quote(streamId)} was deleted by another tool; it can be neither read nor written.`,
      options,
    )
  }
}

/** CORRUPT: what is stored cannot be what the store wrote. */
export class CorruptError extends EventStoreError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('CORRUPT', message, options)
  }
}

/** ABORTED: the caller's signal. An append that was already sent may have taken effect: repeat it with the same ids to find out. */
export class AbortedError extends EventStoreError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('ABORTED', message, options)
  }
}

/** CLOSED: the store was closed. */
export class ClosedError extends EventStoreError {
  constructor(
    message = 'The event store is closed; open a new one.',
    options?: { cause?: unknown },
  ) {
    super('CLOSED', message, options)
  }
}

/** A name as it stands in a message: quoted, escaped, and short. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
}
