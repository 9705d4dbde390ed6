import type { Invariant } from './invariant.js'

/** What the service did by itself names the event that caused it, which came before and belongs to the same request. */
export function causesComeFirst(): Invariant {
  const correlations = new Map<string, string | undefined>()
  const violations: string[] = []
  return {
    rule: 'Each event names its cause, which comes before it in the order of all events',
    violations,
    see: ({ id, type, metadata: { correlationId, causationId, idempotencyKey } }) => {
      correlations.set(id, correlationId)
      if (correlationId === undefined || causationId === undefined) {
        violations.push(`event ${id}, ${type}, has no correlation or no cause`)
      } else if (idempotencyKey === undefined && type !== 'StockReceived') {
        if (correlations.get(causationId) !== correlationId) {
          violations.push(`event ${id}, ${type}: its cause ${causationId} does not come before it`)
        }
      }
    },
  }
}
