import { type EventMetadata, openEventStore, type RecordedEvent } from 'annals'
import { expect, test } from 'vitest'
import { acknowledgedRequests } from '../src/invariants/acknowledged.js'
import { causesComeFirst } from '../src/invariants/causes.js'
import type { Invariant } from '../src/invariants/invariant.js'
import { ordersLive } from '../src/invariants/order-life.js'
import { eachRequestOnce } from '../src/invariants/requests.js'
import { stockAddsUp } from '../src/invariants/stock-balance.js'
import { positionsAscend, versionsHaveNoGaps } from '../src/invariants/store-order.js'
import { checkInvariants } from '../src/invariants.js'
import { emptyModel, project, type ShopEvent } from '../src/read-model.js'

type Told = ShopEvent & {
  stream?: string
  version?: number
  position?: string
  id?: string
  metadata?: EventMetadata
}

const lines = [{ sku: 'mug', quantity: 2, price: 5 }]
const placed: Told = { type: 'OrderPlaced', data: { customer: 'me', lines, total: 10 } }
const confirmed: Told = { type: 'OrderConfirmed', data: {} }
const rejected: Told = { type: 'OrderRejected', data: { sku: 'mug' } }
const paid: Told = { type: 'OrderPaid', data: { amount: 10 } }
const shipped: Told = { type: 'OrderShipped', data: { carrier: 'Post' } }
const cancelled = (refund: number): Told => ({
  type: 'OrderCancelled',
  data: { reason: 'r', refund },
})
const received = (quantity: number): Told => ({
  type: 'StockReceived',
  data: { deliveryId: 'd', quantity },
})
const move = (type: 'StockReserved' | 'StockReleased' | 'StockDispatched', quantity = 2): Told => ({
  type,
  data: { orderId: '1', quantity },
})

/** What an invariant says to a history. Where a test does not say otherwise, it is one that a store could have kept. */
function violations(invariant: Invariant, history: readonly Told[]): readonly string[] {
  const versions = new Map<string, number>()
  history.forEach(({ stream, version, position, id, metadata, ...event }, index) => {
    const streamId = stream ?? (event.type.startsWith('Order') ? 'Order-1' : 'Stock-mug')
    const next = (versions.get(streamId) ?? 0) + 1
    versions.set(streamId, next)
    invariant.see({
      ...event,
      streamId,
      version: version ?? next,
      position: position ?? String(index + 1).padStart(4, '0'),
      id: id ?? `event-${index + 1}`,
      metadata: metadata ?? {},
      recordedAt: new Date(0),
    } as RecordedEvent<ShopEvent>)
  })
  invariant.end?.()
  return invariant.violations
}

const goodDay: readonly Told[] = [
  received(5),
  placed,
  move('StockReserved'),
  confirmed,
  paid,
  shipped,
  move('StockDispatched'),
]

test.each<[string, () => Invariant, readonly Told[]]>([
  ['a version is left out', versionsHaveNoGaps, [placed, { ...confirmed, version: 3 }]],
  ['a version comes twice', versionsHaveNoGaps, [placed, { ...confirmed, version: 1 }]],
  ['a stream begins at 0', versionsHaveNoGaps, [{ ...placed, version: 0 }]],
  ['a position comes twice', positionsAscend, [placed, { ...confirmed, position: '0001' }]],
  ['a position goes back', positionsAscend, [{ ...placed, position: '9' }, confirmed]],
  ['an event comes twice', eachRequestOnce, [placed, { ...confirmed, id: 'event-1' }]],
  ['a delivery is taken in twice', eachRequestOnce, [received(1), received(1)]],
  [
    'a request takes effect twice',
    eachRequestOnce,
    [1, 2].map((order) => ({
      ...placed,
      stream: `Order-${order}`,
      metadata: { operation: 'place', idempotencyKey: 'k' },
    })),
  ],
  ['an order is shipped unpaid', ordersLive, [placed, confirmed, shipped]],
  ['an order is paid before it is confirmed', ordersLive, [placed, paid]],
  ['an order is paid twice', ordersLive, [placed, confirmed, paid, paid]],
  [
    'an order is paid in part',
    ordersLive,
    [placed, confirmed, { type: 'OrderPaid', data: { amount: 9 } }],
  ],
  ['an order is placed twice', ordersLive, [placed, placed]],
  ['an order goes on after its rejection', ordersLive, [placed, rejected, confirmed]],
  ['an order is cancelled after shipping', ordersLive, [...goodDay, cancelled(10)]],
  ['a cancelled order is shipped', ordersLive, [placed, confirmed, paid, cancelled(10), shipped]],
  ['what was paid is kept', ordersLive, [placed, confirmed, paid, cancelled(0)]],
  ['what was not paid is paid back', ordersLive, [placed, confirmed, cancelled(10)]],
  ['more is reserved than there is', stockAddsUp, [received(1), placed, move('StockReserved')]],
  ['stock is reserved twice', stockAddsUp, [...goodDay.slice(0, 4), move('StockReserved')]],
  ['stock is reserved for no order', stockAddsUp, [received(5), move('StockReserved')]],
  [
    'too little is reserved',
    stockAddsUp,
    [received(5), placed, move('StockReserved', 1), confirmed],
  ],
  ['what was not reserved is released', stockAddsUp, [received(5), move('StockReleased')]],
  ['what is shipped stays in the stock', stockAddsUp, goodDay.slice(0, -1)],
  ['what is shipped goes out twice', stockAddsUp, [...goodDay, move('StockDispatched')]],
  [
    'what is cancelled stays reserved',
    stockAddsUp,
    [received(5), placed, move('StockReserved'), confirmed, cancelled(0)],
  ],
  ['an order is left half done', stockAddsUp, [received(5), placed, move('StockReserved')]],
  ['an event has no cause', causesComeFirst, [placed]],
  [
    'a cause comes after its effect',
    causesComeFirst,
    [{ ...confirmed, metadata: { correlationId: 'c', causationId: 'event-2' } }, placed],
  ],
])('%s: it is found', (_, invariant, history) => {
  expect(violations(invariant(), history)).not.toEqual([])
})

test.each([versionsHaveNoGaps, positionsAscend, eachRequestOnce, ordersLive, stockAddsUp])(
  'a good day has nothing to find: %o',
  (invariant) => {
    expect(violations(invariant(), goodDay)).toEqual([])
  },
)

test('what was acknowledged and is not there is found', () => {
  const answer = { orderId: '1', operation: 'pay', status: 'paid', version: 3, total: 10 } as const
  const kept = { ...paid, metadata: { idempotencyKey: 'k' } }
  const check = (key: string, history: readonly Told[]) =>
    violations(acknowledgedRequests([{ ...answer, key }]), history)
  expect(check('k', [placed, confirmed, kept])).toEqual([])
  expect(check('another', [placed, confirmed, kept])).toHaveLength(1)
  expect(check('k', [placed, confirmed])).toHaveLength(2)
  expect(check('k', [placed, kept])).toHaveLength(1)
})

test('a read model that differs from a fresh one is found', async () => {
  await using store = await openEventStore('memory:')
  const { position } = await store.append<ShopEvent>('Order-1', [placed, confirmed])
  const model = emptyModel()
  for await (const event of store.readAll<ShopEvent>()) project(model, event)
  const told = async (kept: typeof model | null) => {
    const { checks } = await checkInvariants(store, [], kept && { position, model: kept })
    return checks.find(({ rule }) => rule.startsWith('The read model'))?.violations.length
  }
  expect(await told(model)).toBe(0)
  expect(await told({ ...model, ordersByStatus: { placed: 1 } })).toBe(1)
  expect(await told(null)).toBe(1)
})
