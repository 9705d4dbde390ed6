import type { Invariant } from './invariant.js'

/** Each request under an Idempotency-Key took effect at most once, and each event is there once. */
export function eachRequestOnce(): Invariant {
  const seen = new Set<string>()
  const violations: string[] = []
  const once = (what: string) => {
    if (seen.has(what)) violations.push(`${what} twice`)
    seen.add(what)
  }
  return {
    rule: 'Each request took effect once, however often it was sent',
    violations,
    see: ({ id, streamId, type, data, metadata }) => {
      once(`event ${id}`)
      if (type === 'StockReceived') once(`delivery ${data.deliveryId} to ${streamId}`)
      const { operation, idempotencyKey } = metadata
      if (typeof idempotencyKey === 'string') once(`request ${operation} ${idempotencyKey}`)
    },
  }
}
