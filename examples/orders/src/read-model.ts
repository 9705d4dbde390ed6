import type { RecordedEvent } from 'annals'
import { subjectOf } from './aggregates.js'
import type { OrderEvent, OrderStatus } from './orders.js'
import type { StockEvent } from './stock.js'

/** What the shop asks about all its orders: a fold of all events in the store's order. A JSON value. */
export interface OrdersModel {
  /** How many events went in. */
  events: number
  readonly ordersByStatus: Partial<Record<OrderStatus, number>>
  /** Cents that came in less what was paid back, by the day (UTC) on which that was recorded. */
  readonly revenueByDay: Record<string, number>
  /** Orders that something is still to happen to. */
  readonly openOrders: Record<string, OpenOrder>
  /** Quantity by product, by order. */
  readonly reservations: Record<string, Record<string, number>>
}

export interface OpenOrder {
  readonly status: OrderStatus
  readonly customer: string
  readonly total: number
}

export type ShopEvent = OrderEvent | StockEvent

export function emptyModel(): OrdersModel {
  return { events: 0, ordersByStatus: {}, revenueByDay: {}, openOrders: {}, reservations: {} }
}

/** Adds the next event to the model. */
export function project(model: OrdersModel, event: RecordedEvent<ShopEvent>): void {
  const subject = subjectOf(event.streamId)
  const day = event.recordedAt.toISOString().slice(0, 10)
  model.events++
  switch (event.type) {
    case 'OrderPlaced': {
      const { customer, total } = event.data
      move(model, subject, { status: 'placed', customer, total })
      break
    }
    case 'OrderConfirmed':
      move(model, subject, { status: 'confirmed' })
      break
    case 'OrderRejected':
      move(model, subject, { status: 'rejected' })
      break
    case 'OrderPaid':
      earn(model, day, event.data.amount)
      move(model, subject, { status: 'paid' })
      break
    case 'OrderShipped':
      move(model, subject, { status: 'shipped' })
      break
    case 'OrderCancelled':
      earn(model, day, -event.data.refund)
      move(model, subject, { status: 'cancelled' })
      break
    case 'StockReserved': {
      const { orderId, quantity } = event.data
      model.reservations[orderId] = { ...model.reservations[orderId], [subject]: quantity }
      break
    }
    case 'StockReleased':
    case 'StockDispatched': {
      const { [subject]: _, ...rest } = model.reservations[event.data.orderId] ?? {}
      if (Object.keys(rest).length > 0) model.reservations[event.data.orderId] = rest
      else delete model.reservations[event.data.orderId]
      break
    }
    case 'StockReceived':
      break
  }
}

/** Orders that a process began to handle and did not finish: not yet confirmed, or done with but holding stock. */
export function unfinishedOrders(model: OrdersModel): string[] {
  const begun = Object.entries(model.openOrders).filter(([, { status }]) => status === 'placed')
  const holding = Object.keys(model.reservations).filter((id) => !(id in model.openOrders))
  return [...begun.map(([id]) => id), ...holding]
}

const open: readonly OrderStatus[] = ['placed', 'confirmed', 'paid']

function move(
  { ordersByStatus, openOrders }: OrdersModel,
  orderId: string,
  change: Partial<OpenOrder> & { status: OrderStatus },
): void {
  const before = openOrders[orderId]
  if (before) ordersByStatus[before.status] = (ordersByStatus[before.status] ?? 0) - 1
  ordersByStatus[change.status] = (ordersByStatus[change.status] ?? 0) + 1
  if (open.includes(change.status)) {
    openOrders[orderId] = { customer: '', total: 0, ...before, ...change }
  } else {
    delete openOrders[orderId]
  }
}

function earn({ revenueByDay }: OrdersModel, day: string, amount: number): void {
  if (amount !== 0) revenueByDay[day] = (revenueByDay[day] ?? 0) + amount
}
