import { expect, test } from 'vitest'
import {
  endReservation,
  evolveStock,
  noStock,
  receive,
  reserve,
  type StockEvent,
} from '../src/stock.js'

const received: StockEvent = { type: 'StockReceived', data: { deliveryId: 'd1', quantity: 5 } }
const reserved: StockEvent = { type: 'StockReserved', data: { orderId: 'o1', quantity: 3 } }
const released: StockEvent = { type: 'StockReleased', data: { orderId: 'o1', quantity: 3 } }
const dispatched: StockEvent = { type: 'StockDispatched', data: { orderId: 'o1', quantity: 3 } }

const after = (...events: StockEvent[]) => events.reduce(evolveStock, noStock)

test('a delivery is taken in once', () => {
  expect(receive(noStock, 'd1', 5)).toEqual([received])
  expect(receive(after(received), 'd1', 5)).toEqual([])
})

test('an order reserves once, and no more than there is', () => {
  const state = after(received)
  expect(reserve(state, 'o1', 3)).toEqual([reserved])
  expect(reserve(state, 'o1', 6)).toBe('short')
  expect(reserve(after(received, reserved), 'o1', 3)).toEqual([])
  expect(reserve(after(received, reserved), 'o2', 3)).toBe('short')
  expect(after(received, reserved).available).toBe(2)
})

test('what is released is there again, what is dispatched is not', () => {
  const state = after(received, reserved)
  expect(endReservation(state, 'o1', 'StockReleased')).toEqual([released])
  expect(endReservation(state, 'o1', 'StockDispatched')).toEqual([dispatched])
  expect(after(received, reserved, released).available).toBe(5)
  expect(after(received, reserved, dispatched).available).toBe(2)
})

test('a reservation ends once, and a late copy of the request does not reserve again', () => {
  const state = after(received, reserved, released)
  expect(endReservation(state, 'o1', 'StockReleased')).toEqual([])
  expect(reserve(state, 'o1', 3)).toEqual([])
})

test('the state stays small however long the stream', () => {
  let state = after(received)
  for (let order = 1; order <= 1000; order++) {
    const data = { orderId: `order-${order}`, quantity: 1 }
    state = evolveStock(state, { type: 'StockReserved', data })
    state = evolveStock(state, { type: 'StockReleased', data })
  }
  expect(state.reserved).toEqual({})
  expect(state.settled).toHaveLength(200)
  expect(state.settled.at(-1)).toBe('order-1000')
})
