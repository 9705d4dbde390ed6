import { type EventStore, newEventId, openEventStore } from 'annals'
import { expect, test } from 'vitest'
import { checkInvariants } from '../src/invariants.js'
import type { OrderEvent } from '../src/orders.js'
import type { StockEvent } from '../src/stock.js'
import { openShop, temporaryFolder } from './fixtures.js'

// What a process that died at each step of its work leaves behind, event by event.
const orderId = '7f3c0000-0000-4000-8000-000000000000'
const lines = [
  { sku: 'kettle', quantity: 1, price: 3490 },
  { sku: 'mug', quantity: 2, price: 890 },
]
const total = 3490 + 2 * 890
const placed: OrderEvent = { type: 'OrderPlaced', data: { customer: 'me', lines, total } }
const confirmed: OrderEvent = { type: 'OrderConfirmed', data: {} }
const rejected: OrderEvent = { type: 'OrderRejected', data: { sku: 'mug' } }
const paid: OrderEvent = { type: 'OrderPaid', data: { amount: total } }
const shipped: OrderEvent = { type: 'OrderShipped', data: { carrier: 'Post' } }
const cancelled: OrderEvent = { type: 'OrderCancelled', data: { reason: 'r', refund: total } }
const received: StockEvent = { type: 'StockReceived', data: { deliveryId: 'd', quantity: 5 } }
const kettleReserved: StockEvent = { type: 'StockReserved', data: { orderId, quantity: 1 } }
const mugReserved: StockEvent = { type: 'StockReserved', data: { orderId, quantity: 2 } }
const kettleReleased: StockEvent = { type: 'StockReleased', data: { orderId, quantity: 1 } }

interface Left {
  readonly order: OrderEvent[]
  readonly kettle?: StockEvent[]
  readonly mug?: StockEvent[]
}

async function leave(store: EventStore, { order, kettle = [], mug = [] }: Left): Promise<void> {
  // Each event as if it were the cause of itself: the invariants want a cause, and this one is not in question here.
  const told = <E extends OrderEvent | StockEvent>(event: E) => {
    const id = newEventId()
    return { ...event, id, metadata: { correlationId: 'c', causationId: id } }
  }
  await store.append('Stock-kettle', [received, ...kettle].map(told))
  await store.append('Stock-mug', [received, ...mug].map(told))
  await store.append(`Order-${orderId}`, order.map(told))
}

test.each<[string, Left, { status: string; kettle: number; mug: number }]>([
  ['before it reserved', { order: [placed] }, { status: 'confirmed', kettle: 4, mug: 3 }],
  [
    'after it had reserved one product',
    { order: [placed], kettle: [kettleReserved] },
    { status: 'confirmed', kettle: 4, mug: 3 },
  ],
  [
    'before it confirmed',
    { order: [placed], kettle: [kettleReserved], mug: [mugReserved] },
    { status: 'confirmed', kettle: 4, mug: 3 },
  ],
  [
    'after it rejected, before it released',
    { order: [placed, rejected], kettle: [kettleReserved] },
    { status: 'rejected', kettle: 5, mug: 5 },
  ],
  [
    'after it cancelled, before it released',
    {
      order: [placed, confirmed, paid, cancelled],
      kettle: [kettleReserved],
      mug: [mugReserved],
    },
    { status: 'cancelled', kettle: 5, mug: 5 },
  ],
  [
    'between two releases',
    {
      order: [placed, confirmed, paid, cancelled],
      kettle: [kettleReserved, kettleReleased],
      mug: [mugReserved],
    },
    { status: 'cancelled', kettle: 5, mug: 5 },
  ],
  [
    'after it shipped, before the stock went out',
    {
      order: [placed, confirmed, paid, shipped],
      kettle: [kettleReserved],
      mug: [mugReserved],
    },
    { status: 'shipped', kettle: 4, mug: 3 },
  ],
])('an order whose service died %s is finished at the next start', async (_, left, expected) => {
  const store = await openEventStore('memory:')
  await leave(store, left)
  const { shop, get } = await openShop({}, { store, folder: await temporaryFolder() })
  expect(shop.startup.finished).toBe(1)
  expect((await get(`/orders/${orderId}`)).body.status).toBe(expected.status)
  expect((await get('/stock/kettle')).body.available).toBe(expected.kettle)
  expect((await get('/stock/mug')).body.available).toBe(expected.mug)
  const { checks } = await checkInvariants(store, [], null)
  const stock = checks.find(({ rule }) => rule.startsWith('The stock'))
  expect(stock?.violations).toEqual([])
})

test('an order that is done with, or only waits for its customer, is left alone', async () => {
  const store = await openEventStore('memory:')
  await leave(store, { order: [placed, confirmed], kettle: [kettleReserved], mug: [mugReserved] })
  const head = await store.headPosition()
  const { shop } = await openShop({}, { store, folder: await temporaryFolder() })
  expect(shop.startup.finished).toBe(0)
  expect(await store.headPosition()).toBe(head)
})
