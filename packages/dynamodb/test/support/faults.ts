import { connectionLost, type Rule, type Send, serviceError } from './wire.js'

/** What may happen to one request. */
export type Fault = (operation: string, send: Send) => ReturnType<Send>

const reasons = (code: string, actions: number) =>
  Array.from({ length: actions }, (_, i) => ({ Code: i === 0 ? code : 'None' }))

const cancelled = (code: string) =>
  serviceError('TransactionCanceledException', 400, { CancellationReasons: reasons(code, 2) })

/** An error that the service answers with instead of doing anything. Some are said differently of a transaction. */
const refusal =
  (name: string, status: number, code?: string): Fault =>
  async (operation) => {
    if (code && operation === 'TransactWriteItems') throw cancelled(code)
    throw serviceError(name, status)
  }

/** Everything that DynamoDB and the network between may do to a request, each once. */
export const faults: Record<string, Fault> = {
  'conflict with another transaction': refusal(
    'TransactionConflictException',
    400,
    'TransactionConflict',
  ),
  'throttled by the table': refusal(
    'ProvisionedThroughputExceededException',
    400,
    'ProvisionedThroughputExceeded',
  ),
  'throttled by on-demand capacity': refusal('ThrottlingException', 400, 'ThrottlingError'),
  'throttled by the account': refusal('RequestLimitExceeded', 400),
  'internal error, nothing done': refusal('InternalServerError', 500),
  'internal error, done all the same': async (_, send) => {
    await send()
    throw serviceError('InternalServerError', 500)
  },
  'service unavailable': refusal('ServiceUnavailable', 503),
  'time-out before the commit': async () => {
    throw Object.assign(new Error('no answer'), { name: 'TimeoutError' })
  },
  'connection refused': async () => {
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  },
  'answer lost after the commit': async (_, send) => {
    await send()
    throw connectionLost()
  },
}

/** A rule that lets one request, the nth, meet a fault; it counts all of them. */
export function strikeAt(nth: number, fault: Fault): { rule: Rule; seen: () => number } {
  let count = 0
  return {
    rule: ({ operation }, send) => (++count === nth ? fault(operation, send) : send()),
    seen: () => count,
  }
}
