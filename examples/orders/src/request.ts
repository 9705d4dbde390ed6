import { createHash } from 'node:crypto'
import type { EventMetadata } from 'annals'
import { v5 } from 'uuid'

// The root of every id that this service derives. Any constant UUID will do, as long as it never changes.
const namespace = '5ca7b0c5-7e1b-4a58-9f0e-2f6f2f4ad2b5'

export type Operation = 'place' | 'pay' | 'ship' | 'cancel'

/** One request, with the ids derived from its Idempotency-Key, so that a repetition has the same. */
export interface OrderRequest {
  readonly orderId: string
  readonly operation: Operation
  readonly key: string
  /**
   * Of the one event that the request causes. Another request under the same key has another, so that the store takes
   * them for two even if they come at once.
   */
  readonly eventId: string
  /** Of the request's content. */
  readonly fingerprint: string
  readonly metadata: EventMetadata
}

/** @param orderId Null for the request that places the order: its id comes from the key too. */
export function orderRequest(
  operation: Operation,
  orderId: string | null,
  content: unknown,
  key: string,
  correlationId: string | undefined,
): OrderRequest {
  const id = orderId ?? v5(`order:${key}`, namespace)
  const requestId = v5(`${operation}:${id}:${key}`, namespace)
  const fingerprint = createHash('sha256')
    .update(JSON.stringify(content))
    .digest('hex')
    .slice(0, 32)
  return {
    orderId: id,
    operation,
    key,
    eventId: v5(fingerprint, requestId),
    fingerprint,
    metadata: {
      correlationId: correlationId ?? requestId,
      causationId: requestId,
      operation,
      idempotencyKey: key,
      fingerprint,
    },
  }
}
