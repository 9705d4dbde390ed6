import { expect, test } from 'vitest'
import { cancel, evolveOrder, noOrder, type OrderEvent, pay, place, ship } from '../src/orders.js'

const lines = [
  { sku: 'kettle', quantity: 2, price: 1000 },
  { sku: 'mug', quantity: 1, price: 500 },
]
const placed: OrderEvent = { type: 'OrderPlaced', data: { customer: 'c', lines, total: 2500 } }
const confirmed: OrderEvent = { type: 'OrderConfirmed', data: {} }
const rejected: OrderEvent = { type: 'OrderRejected', data: { sku: 'mug' } }
const paid: OrderEvent = { type: 'OrderPaid', data: { amount: 2500 } }
const shipped: OrderEvent = { type: 'OrderShipped', data: { carrier: 'Post' } }
const cancelled: OrderEvent = { type: 'OrderCancelled', data: { reason: 'r', refund: 0 } }

const after = (...events: OrderEvent[]) => events.reduce(evolveOrder, noOrder)

test('an order costs what its lines add up to', () => {
  expect(place(noOrder, { customer: 'c', lines })).toEqual(placed)
})

test('an order goes from placed to shipped', () => {
  const state = after(placed, confirmed)
  const payment = pay(state, 2500)
  expect(payment).toEqual(paid)
  expect(ship(evolveOrder(state, payment), 'Post')).toEqual(shipped)
  expect(after(placed, confirmed, paid, shipped)).toEqual({ status: 'shipped', lines, total: 2500 })
})

test('what was paid is paid back', () => {
  expect(cancel(after(placed, confirmed, paid), 'r').data).toEqual({ reason: 'r', refund: 2500 })
  expect(cancel(after(placed, confirmed), 'r').data).toEqual({ reason: 'r', refund: 0 })
  expect(cancel(after(placed), 'r').data).toEqual({ reason: 'r', refund: 0 })
})

test.each([
  ['pay', [placed]],
  ['pay', [placed, rejected]],
  ['pay', [placed, confirmed, paid]],
  ['pay', [placed, confirmed, cancelled]],
  ['ship', [placed]],
  ['ship', [placed, confirmed]],
  ['ship', [placed, confirmed, paid, shipped]],
  ['ship', [placed, confirmed, paid, cancelled]],
  ['cancel', [placed, rejected]],
  ['cancel', [placed, confirmed, paid, shipped]],
  ['cancel', [placed, cancelled]],
  ['place', [placed]],
] as const)('%s is refused after %j', (deed, history) => {
  const state = after(...history)
  expect(() => deeds[deed](state)).toThrow(expect.objectContaining({ reason: 'illegal' }))
})

test.each(['pay', 'ship', 'cancel'] as const)('%s needs an order', (deed) => {
  expect(() => deeds[deed](noOrder)).toThrow(expect.objectContaining({ reason: 'notFound' }))
})

test('an order is paid in full', () => {
  expect(() => pay(after(placed, confirmed), 2499)).toThrow('The order costs 2500, not 2499')
})

const deeds = {
  place: (state: typeof noOrder) => place(state, { customer: 'c', lines }),
  pay: (state: typeof noOrder) => pay(state, state.total),
  ship: (state: typeof noOrder) => ship(state, 'Post'),
  cancel: (state: typeof noOrder) => cancel(state, 'r'),
}
