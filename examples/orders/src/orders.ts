import { Refusal } from './refusal.js'

/** Amounts are in cents. */
export interface OrderLine {
  readonly sku: string
  readonly quantity: number
  readonly price: number
}

/** What can happen to an order. Each order is a stream `Order-<uuid>`. */
export type OrderEvent =
  | {
      readonly type: 'OrderPlaced'
      readonly data: {
        readonly customer: string
        readonly lines: readonly OrderLine[]
        readonly total: number
      }
    }
  /** The stock is reserved. */
  | { readonly type: 'OrderConfirmed'; readonly data: Record<string, never> }
  /** There was not enough stock. */
  | { readonly type: 'OrderRejected'; readonly data: { readonly sku: string } }
  | { readonly type: 'OrderPaid'; readonly data: { readonly amount: number } }
  | { readonly type: 'OrderShipped'; readonly data: { readonly carrier: string } }
  | {
      readonly type: 'OrderCancelled'
      readonly data: { readonly reason: string; readonly refund: number }
    }

export type OrderStatus = 'placed' | 'confirmed' | 'rejected' | 'paid' | 'shipped' | 'cancelled'

export interface OrderState {
  /** Null: never placed. */
  readonly status: OrderStatus | null
  readonly lines: readonly OrderLine[]
  readonly total: number
}

export const noOrder: OrderState = { status: null, lines: [], total: 0 }

/** What the order is after the event. */
export function evolveOrder(state: OrderState, event: OrderEvent): OrderState {
  switch (event.type) {
    case 'OrderPlaced':
      return { status: 'placed', lines: event.data.lines, total: event.data.total }
    case 'OrderConfirmed':
      return { ...state, status: 'confirmed' }
    case 'OrderRejected':
      return { ...state, status: 'rejected' }
    case 'OrderPaid':
      return { ...state, status: 'paid' }
    case 'OrderShipped':
      return { ...state, status: 'shipped' }
    case 'OrderCancelled':
      return { ...state, status: 'cancelled' }
  }
}

/** Takes the order down, before its stock is reserved. */
export function place(
  state: OrderState,
  order: { readonly customer: string; readonly lines: readonly OrderLine[] },
): OrderEvent {
  if (state.status !== null) throw new Refusal('illegal', 'This order is placed already')
  const total = order.lines.reduce((sum, line) => sum + line.quantity * line.price, 0)
  return { type: 'OrderPlaced', data: { customer: order.customer, lines: order.lines, total } }
}

/** Pays for the whole order. */
export function pay(state: OrderState, amount: number): OrderEvent {
  demand(state, 'be paid for', ['confirmed'])
  if (amount !== state.total) {
    throw new Refusal('illegal', `The order costs ${state.total}, not ${amount}`)
  }
  return { type: 'OrderPaid', data: { amount } }
}

/** Hands the order to a carrier. */
export function ship(state: OrderState, carrier: string): OrderEvent {
  demand(state, 'be shipped', ['paid'])
  return { type: 'OrderShipped', data: { carrier } }
}

/** Calls the order off, and pays back what was paid. */
export function cancel(state: OrderState, reason: string): OrderEvent {
  demand(state, 'be cancelled', ['placed', 'confirmed', 'paid'])
  const refund = state.status === 'paid' ? state.total : 0
  return { type: 'OrderCancelled', data: { reason, refund } }
}

function demand(state: OrderState, deed: string, allowed: readonly OrderStatus[]): void {
  if (state.status === null) throw new Refusal('notFound', 'There is no such order')
  if (!allowed.includes(state.status)) {
    const needed = allowed.join(' or ')
    throw new Refusal('illegal', `An order that is ${state.status} cannot ${deed}, only: ${needed}`)
  }
}
