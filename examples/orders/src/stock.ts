/** What can happen to the stock of a product. Each product is a long stream `Stock-<sku>` that many orders contend for. */
export type StockEvent =
  | {
      readonly type: 'StockReceived'
      readonly data: { readonly deliveryId: string; readonly quantity: number }
    }
  | { readonly type: 'StockReserved'; readonly data: StockMove }
  /** Back on the shelf: the order was rejected or cancelled. */
  | { readonly type: 'StockReleased'; readonly data: StockMove }
  /** Gone with the order. */
  | { readonly type: 'StockDispatched'; readonly data: StockMove }

export interface StockMove {
  readonly orderId: string
  readonly quantity: number
}

/** A JSON value, so that it can be kept as a snapshot. */
export interface StockState {
  /** What is there and not reserved. Never negative. */
  readonly available: number
  /** Quantity by order. */
  readonly reserved: Readonly<Record<string, number>>
  /** Orders and deliveries that are done with, the latest last. */
  readonly settled: readonly string[]
}

export const noStock: StockState = { available: 0, reserved: {}, settled: [] }

// A late duplicate is recognised among this many. It bounds the state, however long the stream.
const settledKept = 200

/** What the stock is after the event. */
export function evolveStock(state: StockState, event: StockEvent): StockState {
  const { reserved } = state
  switch (event.type) {
    case 'StockReceived':
      return {
        available: state.available + event.data.quantity,
        reserved,
        settled: settle(state, event.data.deliveryId),
      }
    case 'StockReserved': {
      const { orderId, quantity } = event.data
      return {
        ...state,
        available: state.available - quantity,
        reserved: { ...reserved, [orderId]: quantity },
      }
    }
    case 'StockReleased':
    case 'StockDispatched': {
      const { orderId, quantity } = event.data
      const { [orderId]: _, ...rest } = reserved
      return {
        available: state.available + (event.type === 'StockReleased' ? quantity : 0),
        reserved: rest,
        settled: settle(state, orderId),
      }
    }
  }
}

function settle(state: StockState, id: string): readonly string[] {
  return [...state.settled, id].slice(-settledKept)
}

/** Takes a delivery in. Nothing happens if it was taken in before. */
export function receive(state: StockState, deliveryId: string, quantity: number): StockEvent[] {
  if (state.settled.includes(deliveryId)) return []
  return [{ type: 'StockReceived', data: { deliveryId, quantity } }]
}

/** Reserves for an order. Nothing happens if it is reserved or settled already; 'short' if there is not enough. */
export function reserve(
  state: StockState,
  orderId: string,
  quantity: number,
): StockEvent[] | 'short' {
  if (orderId in state.reserved || state.settled.includes(orderId)) return []
  if (state.available < quantity) return 'short'
  return [{ type: 'StockReserved', data: { orderId, quantity } }]
}

/** Ends an order's reservation. Nothing happens if there is none. */
export function endReservation(
  state: StockState,
  orderId: string,
  how: 'StockReleased' | 'StockDispatched',
): StockEvent[] {
  const quantity = state.reserved[orderId]
  return quantity === undefined ? [] : [{ type: how, data: { orderId, quantity } }]
}
