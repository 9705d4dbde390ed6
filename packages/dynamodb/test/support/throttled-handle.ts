import type { ThrottledHandle } from '@annals/conformance'
import type { EventStore } from '@annals/core'
import { faults } from './faults.js'
import type { Wire } from './wire.js'

/** The ways in which DynamoDB says that requests come too fast, one after the other. */
const refusals = [
  'throttled by the table',
  'throttled by on-demand capacity',
  'throttled by the account',
].map((name) => faults[name]!)

export function throttledHandle(wire: Wire, store: EventStore): ThrottledHandle {
  let share = 0
  let struck = 0
  // The same each time, and never in step with the two requests of an append, as a regular pattern would be.
  let state = 1
  const random = () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  wire.rule(({ operation }, send) => {
    if (random() >= share) return send()
    return refusals[struck++ % refusals.length]!(operation, send)
  })
  return {
    store,
    throttle(oneOf) {
      share = 1 / oneOf
    },
    relent() {
      share = 0
    },
    get struck() {
      return struck
    },
  }
}
