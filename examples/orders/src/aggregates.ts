import { evolveOrder, noOrder, type OrderEvent, type OrderState } from './orders.js'
import { evolveStock, noStock, type StockEvent, type StockState } from './stock.js'
import type { Aggregate } from './streams.js'

export function orderStream(orderId: string): Aggregate<OrderState, OrderEvent> {
  return { streamId: `Order-${orderId}`, initial: noOrder, evolve: evolveOrder }
}

export function stockStream(sku: string): Aggregate<StockState, StockEvent> {
  return {
    streamId: `Stock-${sku}`,
    initial: noStock,
    evolve: evolveStock,
    snapshot: { every: 100, shape: 1 },
  }
}

/** What a stream is about: `Order-7f3c` → `7f3c`. */
export function subjectOf(streamId: string): string {
  return streamId.slice(streamId.indexOf('-') + 1)
}
