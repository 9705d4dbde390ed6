import { randomUUID } from 'node:crypto'
import type { Fact } from './contestant.js'

/** A usual event: some 300 bytes of JSON, and tracing metadata. No two are equal. */
export function fact(number = 0): Fact {
  const order = randomUUID()
  return {
    type: 'OrderPlaced',
    data: {
      orderId: order,
      number,
      customer: { id: `customer-${number % 997}`, name: 'Ada Lovelace', country: 'GB' },
      items: [
        { sku: 'tea-earl-grey', quantity: 2, price: 4.5 },
        { sku: 'biscuits-oat', quantity: 1, price: 3.25 },
      ],
      total: 12.25,
      currency: 'GBP',
      placedAt: '2026-01-01T12:00:00.000Z',
    },
    metadata: { correlationId: order, causationId: order },
  }
}

export function facts(count: number): Fact[] {
  return Array.from({ length: count }, (_, i) => fact(i))
}
