import { products } from '../catalogue.js'
import { type Random, randomFrom } from './random.js'

/** What one customer wants. */
export interface Plan {
  readonly customer: string
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[]
  readonly course:
    | 'complete' // place, pay, ship
    | 'leftUnpaid' // place
    | 'shippedTooEarly' // place, ship (refused), pay, ship
    | 'paidTwiceAtOnce' // place, two different payments at once (one is refused), ship
    | 'cancelled' // place, cancel
    | 'cancelledAfterPaying' // place, pay, cancel
    | 'shippedOrCancelled' // place, pay, then ship and cancel at once: one is refused
  /** How each request is sent, in the order of the requests. */
  readonly sending: readonly Sending[]
  /** The first request is repeated at the very end, when the order has moved on. */
  readonly repeatsAtTheEnd: boolean
}

export type Sending = 'once' | 'twice' | 'twiceAtOnce'

export interface Delivery {
  /** Comes when so many customers have been served. */
  readonly afterOrders: number
  readonly sku: string
  readonly quantity: number
}

export interface Day {
  readonly plans: readonly Plan[]
  readonly deliveries: readonly Delivery[]
}

/** A day's requests: the same for the same seed. */
export function planDay(seed: number, orders: number): Day {
  const random = randomFrom(seed)
  const plans = Array.from({ length: orders }, (_, index) => planOrder(random, index))
  return { plans, deliveries: planDeliveries(plans) }
}

function planOrder(random: Random, index: number): Plan {
  const skus = new Set(
    random.below(3) === 0 ? [popular(random), popular(random)] : [popular(random)],
  )
  return {
    customer: `customer-${1 + random.below(1 + Math.floor(index / 3))}`,
    lines: [...skus].map((sku) => ({ sku, quantity: 1 + random.below(3) })),
    course: random.weighted({
      complete: 60,
      leftUnpaid: 10,
      shippedTooEarly: 6,
      paidTwiceAtOnce: 8,
      cancelled: 4,
      cancelledAfterPaying: 6,
      shippedOrCancelled: 6,
    }),
    sending: Array.from({ length: 4 }, () =>
      random.weighted({ once: 88, twice: 7, twiceAtOnce: 5 }),
    ),
    repeatsAtTheEnd: random.below(20) === 0,
  }
}

/** Half of all orders want the first two products. */
function popular(random: Random): string {
  const index = Math.floor(products.length * random.next() ** 2)
  return products[index]!.sku
}

/** Half of what is wanted is there in the morning; some of it never comes, so that some orders are rejected. */
function planDeliveries(plans: readonly Plan[]): Delivery[] {
  const parts = [0.5, 0.12, 0.12, 0.12]
  const wanted = new Map<string, number>()
  for (const { sku, quantity } of plans.flatMap(({ lines }) => lines)) {
    wanted.set(sku, (wanted.get(sku) ?? 0) + quantity)
  }
  return parts.flatMap((part, index) =>
    [...wanted].map(([sku, quantity]) => ({
      afterOrders: Math.floor((plans.length * index) / parts.length),
      sku,
      quantity: Math.max(1, Math.floor(quantity * part)),
    })),
  )
}
