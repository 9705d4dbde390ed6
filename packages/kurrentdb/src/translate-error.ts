import {
  AccessDeniedError,
  InvalidArgumentError,
  TooLargeError,
  type TranslatedError,
  UnavailableError,
  UnsupportedError,
} from '@annals/core'
import { DeadlineError } from './client.js'

/** The errors of the client by class name: its native reader gives plain errors with the same names. */
export type ErrorKind =
  | 'AccessDeniedError'
  | 'AppendRecordSizeExceededError'
  | 'CancelledError'
  | 'DeadlineExceededError'
  | 'MaxAppendSizeExceededError'
  | 'NotLeaderError'
  | 'StreamDeletedError'
  | 'StreamNotFoundError'
  | 'StreamTombstonedError'
  | 'TimeoutError'
  | 'TransactionMaxSizeExceededError'
  | 'UnavailableError'
  | 'UnknownError'
  | 'UnsupportedError'
  | 'WrongExpectedVersionError'

const kindOfType: Readonly<Record<string, ErrorKind>> = {
  'access-denied': 'AccessDeniedError',
  'append-record-size-exceeded': 'AppendRecordSizeExceededError',
  cancelled: 'CancelledError',
  'deadline-exceeded': 'DeadlineExceededError',
  'maximum-append-size-exceeded': 'MaxAppendSizeExceededError',
  'not-leader': 'NotLeaderError',
  'stream-deleted': 'StreamDeletedError',
  'stream-not-found': 'StreamNotFoundError',
  'stream-tombstoned': 'StreamTombstonedError',
  timeout: 'TimeoutError',
  'transaction-max-size-exceeded': 'TransactionMaxSizeExceededError',
  unavailable: 'UnavailableError',
  unknown: 'UnknownError',
  unsupported: 'UnsupportedError',
  'wrong-expected-version': 'WrongExpectedVersionError',
}

interface ClientError {
  readonly name?: string
  readonly message: string
  /** The gRPC status, where there was one. */
  readonly code?: unknown
  readonly type?: unknown
  readonly maxAppendSize?: unknown
}

/** The kind of a client's error, wherever in the client it comes from; undefined for anything else. */
export function kindOf(error: unknown): ErrorKind | undefined {
  if (!(error instanceof Error)) return undefined
  const { type, name } = error as ClientError
  if (typeof type === 'string') return kindOfType[type]
  return Object.values(kindOfType).find((kind) => kind === name)
}

/** Whether it is an error of the client: of this kind, if one is named. */
export function isKind(error: unknown, kind?: ErrorKind): boolean {
  const actual = kindOf(error)
  return actual !== undefined && (kind === undefined || actual === kind)
}

const grpcInvalidArgument = 3
const grpcUnavailable = 14

export function translateError(error: unknown): TranslatedError {
  const cause = { cause: error }
  if (error instanceof DeadlineError)
    return transient(new UnavailableError(error.message, cause), true)
  if (!(error instanceof Error))
    return final(new UnavailableError(`The KurrentDB client failed: ${String(error)}`, cause))
  const { message, code, maxAppendSize } = error as ClientError
  switch (kindOf(error)) {
    case 'AccessDeniedError':
      return final(
        new AccessDeniedError(
          'KurrentDB refused the credentials, or they lack the right for this stream. Check the connection string and the access control lists.',
          cause,
        ),
      )
    case 'NotLeaderError':
      // Refused before anything was done; the client turns to the leader that the answer names.
      return transient(
        new UnavailableError('This node is not the leader of its cluster.', cause),
        false,
      )
    case 'MaxAppendSizeExceededError':
    case 'AppendRecordSizeExceededError':
    case 'TransactionMaxSizeExceededError':
      return final(
        new TooLargeError(
          'The append',
          "the server's MaxAppendSize",
          Number.NaN,
          typeof maxAppendSize === 'number' ? maxAppendSize : Number.NaN,
          cause,
        ),
      )
    case 'UnsupportedError':
      return final(
        new UnsupportedError('this call', 'use a server that offers it; see the cause.', cause),
      )
    case 'UnavailableError':
      return transient(unreachable(message, cause), !neverSent(message))
    case 'DeadlineExceededError':
    case 'TimeoutError':
    case 'CancelledError':
      return transient(
        new UnavailableError(
          `KurrentDB did not finish the request: ${message || 'timeout'}`,
          cause,
        ),
        true,
      )
    case 'UnknownError':
      if (code === grpcInvalidArgument || message.includes('BadRequest'))
        return final(
          new InvalidArgumentError('The request', `was refused by KurrentDB: ${message}`, cause),
        )
      // What the death of a server looks like to half of the client's streams.
      return transient(
        new UnavailableError(`KurrentDB failed: ${message || 'unknown error'}`, cause),
        true,
      )
  }
  // The client gives gRPC's own error where it fails before it has asked the server what it can do.
  if (code === grpcUnavailable) return transient(unreachable(message, cause), !neverSent(message))
  if (message.startsWith('Failed to discover'))
    return transient(
      new UnavailableError(`No node of the cluster answers: ${message}`, cause),
      false,
    )
  if (error.name === 'ParseError' || message.includes('connection string'))
    return final(new InvalidArgumentError('options.connectionString', message, cause))
  if (typeof code === 'number')
    return transient(new UnavailableError(`KurrentDB failed: ${message}`, cause), true)
  return {
    error: new UnavailableError(`The KurrentDB client failed: ${message}`, cause),
    retryable: false,
    outcomeUnknown: true,
  }
}

function transient(error: UnavailableError, outcomeUnknown: boolean): TranslatedError {
  return { error, retryable: true, outcomeUnknown }
}

function final(error: TranslatedError['error']): TranslatedError {
  return { error, retryable: false, outcomeUnknown: false }
}

function unreachable(message: string, cause: { cause: unknown }): UnavailableError {
  return new UnavailableError(
    `KurrentDB could not be reached, or the connection was lost${message && message !== 'UnavailableError' ? `: ${message}` : '.'}`,
    cause,
  )
}

/** gRPC's words for a request that never had a connection. */
function neverSent(message: string): boolean {
  return message.includes('No connection established') || message.includes('ECONNREFUSED')
}
