import type { Invariant } from './invariant.js'

/** The stock is never negative, and in the end each order holds, or took, exactly what it ordered. */
export function stockAddsUp(): Invariant {
  const available = new Map<string, number>()
  // By order and product: what is reserved now, and what went out.
  const reserved = new Map<string, number>()
  const dispatched = new Map<string, number>()
  const orders = new Map<string, { last: string; lines: ReadonlyMap<string, number> }>()
  const violations: string[] = []
  const add = (counts: Map<string, number>, key: string, quantity: number) => {
    const sum = (counts.get(key) ?? 0) + quantity
    counts.set(key, sum)
    if (sum < 0) violations.push(`${key}: ${sum}`)
  }
  return {
    rule: 'The stock is never negative, and agrees with the orders',
    violations,
    see: ({ streamId, type, data }) => {
      const subject = streamId.slice(streamId.indexOf('-') + 1)
      switch (type) {
        case 'StockReceived':
          return add(available, subject, data.quantity)
        case 'StockReserved':
          add(available, subject, -data.quantity)
          return add(reserved, `${data.orderId} ${subject}`, data.quantity)
        case 'StockReleased':
          add(available, subject, data.quantity)
          return add(reserved, `${data.orderId} ${subject}`, -data.quantity)
        case 'StockDispatched':
          add(dispatched, `${data.orderId} ${subject}`, data.quantity)
          return add(reserved, `${data.orderId} ${subject}`, -data.quantity)
        case 'OrderPlaced': {
          const lines = new Map(data.lines.map(({ sku, quantity }) => [sku, quantity]))
          orders.set(subject, { last: type, lines })
          return
        }
        default:
          orders.set(subject, { lines: new Map(), ...orders.get(subject), last: type })
      }
    },
    end: () => {
      const expected = {
        reserved: new Map<string, number>(),
        dispatched: new Map<string, number>(),
      }
      for (const [orderId, { last, lines }] of orders) {
        if (last === 'OrderPlaced') violations.push(`${orderId} was neither confirmed nor rejected`)
        for (const [sku, quantity] of lines) {
          if (last === 'OrderConfirmed' || last === 'OrderPaid') {
            expected.reserved.set(`${orderId} ${sku}`, quantity)
          }
          if (last === 'OrderShipped') expected.dispatched.set(`${orderId} ${sku}`, quantity)
        }
      }
      compare('reserved', reserved, expected.reserved)
      compare('dispatched', dispatched, expected.dispatched)
    },
  }

  function compare(
    what: string,
    actual: ReadonlyMap<string, number>,
    expected: ReadonlyMap<string, number>,
  ): void {
    for (const key of new Set([...actual.keys(), ...expected.keys()])) {
      const [is, should] = [actual.get(key) ?? 0, expected.get(key) ?? 0]
      if (is !== should) violations.push(`${key}: ${is} ${what}, should be ${should}`)
    }
  }
}
