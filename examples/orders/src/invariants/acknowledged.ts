import type { Acknowledged } from '../simulation/client.js'
import type { Invariant } from './invariant.js'

const typeOf = {
  place: 'OrderPlaced',
  pay: 'OrderPaid',
  ship: 'OrderShipped',
  cancel: 'OrderCancelled',
}
const statusAfter: Readonly<Record<string, string>> = {
  OrderPlaced: 'placed',
  OrderConfirmed: 'confirmed',
  OrderRejected: 'rejected',
  OrderPaid: 'paid',
  OrderShipped: 'shipped',
  OrderCancelled: 'cancelled',
}

/** What a customer was told is so in the events, also if the service was killed the moment after. */
export function acknowledgedRequests(acknowledged: readonly Acknowledged[]): Invariant {
  const effects = new Set<string>()
  const violations: string[] = []
  return {
    rule: 'Nothing that was acknowledged is lost',
    violations,
    see: ({ streamId, version, type, metadata: { idempotencyKey } }) => {
      effects.add(`${streamId} ${version} ${statusAfter[type]}`)
      effects.add(`${streamId} ${type} ${idempotencyKey}`)
    },
    end: () => {
      for (const { orderId, operation, key, status, version } of acknowledged) {
        const request = `Order-${orderId} ${typeOf[operation]} ${key}`
        const answer = `Order-${orderId} ${version} ${status}`
        for (const effect of [request, answer]) {
          if (!effects.has(effect)) violations.push(`not found: ${effect}`)
        }
      }
    },
  }
}
