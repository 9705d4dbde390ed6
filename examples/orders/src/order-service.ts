import { type EventMetadata, type EventStore, newEventId } from 'annals'
import { orderStream, stockStream } from './aggregates.js'
import {
  evolveOrder,
  noOrder,
  type OrderEvent,
  type OrderState,
  type OrderStatus,
} from './orders.js'
import { Refusal } from './refusal.js'
import type { OrderRequest } from './request.js'
import { endReservation, receive, reserve, type StockEvent, type StockState } from './stock.js'
import { type Fact, type Loaded, Streams } from './streams.js'
import { Trail } from './trail.js'

/** The answer to a request: the order as the request left it. A repetition gets the same, whatever happened since. */
export interface Answer {
  readonly orderId: string
  readonly status: OrderStatus
  /** The version of the order's stream. */
  readonly version: number
  readonly total: number
}

export interface Handled {
  readonly answer: Answer
  /** The request had taken effect before. */
  readonly repeated: boolean
}

type LoadedOrder = Loaded<OrderState, OrderEvent>

/** What the shop can do. */
export class OrderService {
  readonly #streams: Streams

  constructor(store: EventStore) {
    this.#streams = new Streams(store)
  }

  /** Carries out a request on one order, once. */
  async handle(
    request: OrderRequest,
    trail: Trail,
    decide: (state: OrderState) => OrderEvent,
  ): Promise<Handled> {
    const { orderId } = request
    const order = await this.#streams.change(orderStream(orderId), trail, ({ state, events }) => {
      if (takenEffect(request, events)) return []
      return [{ ...decide(state), id: request.eventId, metadata: request.metadata }]
    })
    const settled = await this.#settle(orderId, order, trail)
    return { answer: answerOf(request, settled.events), repeated: !order.changed }
  }

  /** The order as it is now; null where there is none. */
  async view(orderId: string): Promise<(OrderState & { version: number }) | null> {
    const { state, version } = await this.#streams.load(orderStream(orderId))
    return version === 0 ? null : { ...state, version }
  }

  /** Takes a delivery in, once. */
  async receive(
    sku: string,
    deliveryId: string,
    quantity: number,
    trail: Trail,
  ): Promise<{ repeated: boolean }> {
    const { changed } = await this.#streams.change(stockStream(sku), trail, ({ state }) =>
      receive(state, deliveryId, quantity).map((event) => ({
        ...event,
        metadata: { correlationId: deliveryId, causationId: deliveryId },
      })),
    )
    return { repeated: !changed }
  }

  /** The stock as it is now, and the version that its snapshot spared the reading of. */
  async stock(sku: string): Promise<{ available: number; version: number; fromSnapshot: number }> {
    const { state, version, events } = await this.#streams.load(stockStream(sku))
    return { available: state.available, version, fromSnapshot: version - events.length }
  }

  /** Does what an order still has to do, e.g. because the process that had begun it died. Safe to repeat. */
  async settle(orderId: string): Promise<void> {
    const order = await this.#streams.load(orderStream(orderId))
    await this.#settle(orderId, order, new Trail())
  }

  /**
   * Brings the stock in line with the order. An order and its stock are several streams, which not every store can write
   * in one append; so the order's stream leads, each step can be repeated, and what a crash interrupts is taken up again.
   */
  async #settle(orderId: string, order: LoadedOrder, trail: Trail): Promise<LoadedOrder> {
    const { state } = order
    const cause = order.events.at(-1)
    if (!cause || state.status === 'confirmed' || state.status === 'paid') return order
    if (state.status !== 'placed') {
      const how = state.status === 'shipped' ? 'StockDispatched' : 'StockReleased'
      for (const { sku } of state.lines) {
        await this.#moveStock(sku, cause, trail, (stock) => endReservation(stock, orderId, how))
      }
      return order
    }
    const short = await this.#reserveAll(orderId, state, cause, trail)
    const decision: OrderEvent = short
      ? { type: 'OrderRejected', data: { sku: short } }
      : { type: 'OrderConfirmed', data: {} }
    const settled = await this.#streams.change(
      orderStream(orderId),
      trail,
      (now) =>
        // Another request, or another copy of this one, may have settled or cancelled it meanwhile.
        now.state.status === 'placed'
          ? [{ ...decision, id: newEventId(), metadata: causedBy(cause) }]
          : [],
      order,
    )
    // What cannot stay reserved is given back: after a rejection, or because the order was cancelled meanwhile.
    return this.#settle(orderId, settled, trail)
  }

  /** Undefined, or the first product of which there is not enough. */
  async #reserveAll(
    orderId: string,
    { lines }: OrderState,
    cause: Fact<OrderEvent>,
    trail: Trail,
  ): Promise<string | undefined> {
    for (const { sku, quantity } of lines) {
      let short = false
      await this.#moveStock(sku, cause, trail, (stock) => {
        const decided = reserve(stock, orderId, quantity)
        short = decided === 'short'
        return decided === 'short' ? [] : decided
      })
      if (short) return sku
    }
    return undefined
  }

  async #moveStock(
    sku: string,
    cause: Fact<OrderEvent>,
    trail: Trail,
    decide: (stock: StockState) => StockEvent[],
  ): Promise<void> {
    await this.#streams.change(stockStream(sku), trail, ({ state }) =>
      decide(state).map((event) => ({ ...event, metadata: causedBy(cause) })),
    )
  }
}

function causedBy(cause: Fact<OrderEvent>): EventMetadata {
  return { correlationId: cause.metadata?.correlationId, causationId: cause.id }
}

/** @throws Refusal where another request used the same key. */
function takenEffect(request: OrderRequest, events: readonly Fact<OrderEvent>[]): boolean {
  const earlier = events.find(
    ({ metadata }) =>
      metadata?.operation === request.operation && metadata.idempotencyKey === request.key,
  )
  if (earlier && earlier.id !== request.eventId) {
    throw new Refusal('keyReused', 'This Idempotency-Key was used for a request with other content')
  }
  return earlier !== undefined
}

/** The order as it was when the request was done with: it is read off the events, not remembered. */
function answerOf(request: OrderRequest, events: readonly Fact<OrderEvent>[]): Answer {
  const own = events.findIndex(({ id }) => id === request.eventId)
  // Placing is done with when the order is confirmed, rejected or cancelled: the event after it.
  const version = Math.min(own + (request.operation === 'place' ? 2 : 1), events.length)
  const { status, total } = events.slice(0, version).reduce<OrderState>(evolveOrder, noOrder)
  if (own === -1 || status === null) {
    throw new Error(`The history of order ${request.orderId} does not hold the request's event`)
  }
  return { orderId: request.orderId, status, version, total }
}
