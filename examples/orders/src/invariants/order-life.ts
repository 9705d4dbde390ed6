import type { Invariant } from './invariant.js'

const mayFollow: Readonly<Record<string, readonly string[]>> = {
  OrderPlaced: [''],
  OrderConfirmed: ['OrderPlaced'],
  OrderRejected: ['OrderPlaced'],
  OrderPaid: ['OrderConfirmed'],
  OrderShipped: ['OrderPaid'],
  OrderCancelled: ['OrderPlaced', 'OrderConfirmed', 'OrderPaid'],
}

/** No order is shipped unpaid, paid twice, paid back unless paid, or goes on after its end. */
export function ordersLive(): Invariant {
  const orders = new Map<string, { last: string; total: number; paid: number }>()
  const violations: string[] = []
  return {
    rule: 'No order is shipped unpaid, paid twice or in part, or changed after its end',
    violations,
    see: ({ streamId, type, data }) => {
      if (!streamId.startsWith('Order-')) return
      const order = orders.get(streamId) ?? { last: '', total: 0, paid: 0 }
      if (!mayFollow[type]?.includes(order.last)) {
        violations.push(`${streamId}: ${type} after ${order.last || 'nothing'}`)
      }
      if (type === 'OrderPlaced') order.total = data.total
      if (type === 'OrderPaid') {
        order.paid += data.amount
        if (order.paid !== order.total) violations.push(`${streamId}: ${order.paid} paid`)
      }
      if (type === 'OrderCancelled' && data.refund !== order.paid) {
        violations.push(`${streamId}: ${order.paid} paid, ${data.refund} paid back`)
      }
      orders.set(streamId, { ...order, last: type })
    },
  }
}
