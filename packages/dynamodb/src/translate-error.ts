import {
  AbortedError,
  AccessDeniedError,
  type EventStoreError,
  isEventStoreError,
  SchemaMissingError,
  type TranslatedError,
  UnavailableError,
} from '@annals/core'

/** A failure whose meaning the protocol knows better than the error's name says. */
export class StepError extends Error {
  constructor(
    override readonly cause: unknown,
    /** Whether the append may have taken effect, or may still. */
    readonly outcomeUnknown: boolean,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** A step that gave way to others too often; another round may do better. */
export class ContentionError extends Error {
  override readonly name = 'ContentionError'
}

const throttled = new Set([
  'ProvisionedThroughputExceededException',
  'ProvisionedThroughputExceeded',
  'ThrottlingException',
  'ThrottlingError',
  'Throttling',
  'RequestLimitExceeded',
  'LimitExceededException',
])

/** Refused before it did anything, and worth another attempt. */
const transient = new Set([
  ...throttled,
  'TransactionConflictException',
  'ResourceInUseException',
  'TableInUseException',
  'ContentionError',
])

const denied = new Set([
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
  'MissingAuthenticationToken',
  'InvalidClientTokenId',
  'ExpiredTokenException',
  'ExpiredToken',
  'NotAuthorized',
  'KMSAccessDeniedException',
  'CredentialsProviderError',
])

/** The connection was never made, so the request was never sent. */
const notSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

const lost = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'ERR_STREAM_PREMATURE_CLOSE',
])

export interface Verdict {
  readonly kind: 'transient' | 'denied' | 'missing' | 'other'
  readonly retryable: boolean
  readonly outcomeUnknown: boolean
}

/** What a failed request means by itself. */
export function judge(error: unknown): Verdict {
  const { name, code, message, $metadata, cause } = (error ?? {}) as {
    name?: string
    code?: string
    message?: string
    cause?: unknown
    $metadata?: { httpStatusCode?: number; clockSkewCorrected?: boolean }
  }
  const verdict = (kind: Verdict['kind'], retryable = false, outcomeUnknown = false): Verdict => ({
    kind,
    retryable,
    outcomeUnknown,
  })
  // The SDK has just learnt the server's time, and signs the next request with it.
  if ($metadata?.clockSkewCorrected) return verdict('transient', true)
  if (name && transient.has(name)) return verdict('transient', true)
  // The same transaction, sent twice by something between here and there, is still at work.
  if (name === 'TransactionInProgressException') return verdict('transient', true, true)
  if (name && denied.has(name)) return verdict('denied')
  if (name === 'ResourceNotFoundException') return verdict('missing')
  const status = $metadata?.httpStatusCode
  if (status !== undefined && status >= 400 && status < 500) return verdict('other')
  if (status !== undefined && status >= 500) return verdict('transient', true, true)
  if (code && notSent.has(code)) return verdict('transient', true)
  if (
    (code && lost.has(code)) ||
    name === 'TimeoutError' ||
    /socket hang up|network/i.test(message ?? '')
  ) {
    return verdict('transient', true, true)
  }
  if (cause !== undefined && cause !== error) return judge(cause)
  // Unknown to us: it may have been sent.
  return verdict('other', false, true)
}

export function translateError(error: unknown): TranslatedError {
  if (isEventStoreError(error)) return { error, retryable: false, outcomeUnknown: false }
  if (error instanceof StepError) {
    const translated = translateError(error.cause)
    return { ...translated, outcomeUnknown: error.outcomeUnknown }
  }
  const verdict = judge(error)
  return {
    error: errorOf(verdict, error),
    retryable: verdict.retryable,
    outcomeUnknown: verdict.outcomeUnknown,
  }
}

function errorOf({ kind }: Verdict, cause: unknown): EventStoreError {
  const { name, message } = cause as { name?: string; message?: string }
  const said = `${name ?? 'Error'}: ${message ?? String(cause)}`
  switch (kind) {
    case 'denied':
      return new AccessDeniedError(
        `DynamoDB refused the credentials or the right (${said}). docs/dynamodb.md lists the actions that a writer and a reader need.`,
        { cause },
      )
    case 'missing':
      return new SchemaMissingError(
        `The DynamoDB table is not there (${said}). Create it with migrate(), or from the definition in docs/dynamodb.md.`,
        { cause },
      )
    default:
      return name === 'AbortError'
        ? new AbortedError(said, { cause })
        : new UnavailableError(`DynamoDB did not serve the request (${said}).`, { cause })
  }
}
