import { isDeepStrictEqual } from 'node:util'
import type { EventStore, RecordedEvent } from 'annals'
import { acknowledgedRequests } from './invariants/acknowledged.js'
import { causesComeFirst } from './invariants/causes.js'
import type { Invariant } from './invariants/invariant.js'
import { ordersLive } from './invariants/order-life.js'
import { eachRequestOnce } from './invariants/requests.js'
import { stockAddsUp } from './invariants/stock-balance.js'
import { positionsAscend, versionsHaveNoGaps } from './invariants/store-order.js'
import type { KeptModel } from './model-file.js'
import { emptyModel, project, type ShopEvent } from './read-model.js'
import type { Acknowledged } from './simulation/client.js'

export interface Findings {
  readonly events: number
  readonly checks: readonly { readonly rule: string; readonly violations: readonly string[] }[]
}

/** Reads all events once and checks what must be true of them, and of what was made of them. */
export async function checkInvariants(
  store: EventStore,
  acknowledged: readonly Acknowledged[],
  kept: KeptModel | null,
): Promise<Findings> {
  const invariants = [
    versionsHaveNoGaps(),
    positionsAscend(),
    eachRequestOnce(),
    ordersLive(),
    stockAddsUp(),
    causesComeFirst(),
    acknowledgedRequests(acknowledged),
    modelIsFresh(kept),
  ]
  let events = 0
  const all = store.readAll<ShopEvent>({ filter: { categories: ['Order', 'Stock'] } })
  for await (const batch of all.batches()) {
    events += batch.length
    for (const event of batch) for (const invariant of invariants) invariant.see(event)
  }
  const checks = invariants.map(({ rule, end, violations }) => {
    end?.()
    return { rule, violations }
  })
  return { events, checks }
}

/** The read model, kept through crashes, is what one reading of all events makes. */
function modelIsFresh(kept: KeptModel | null): Invariant {
  const fresh = emptyModel()
  const violations: string[] = []
  return {
    rule: 'The read model equals a fresh fold of all events',
    violations,
    see: (event: RecordedEvent<ShopEvent>) => project(fresh, event),
    end: () => {
      if (isDeepStrictEqual(kept?.model, JSON.parse(JSON.stringify(fresh)))) return
      const short = (model: object | undefined) => JSON.stringify(model)?.slice(0, 300)
      violations.push(`kept ${short(kept?.model)}, fresh ${short(fresh)}`)
    },
  }
}
