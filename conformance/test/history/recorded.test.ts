import {
  createEventStore,
  type EventStore,
  MemoryDatabase,
  memoryDriver,
  type StoreDriver,
} from '@annals/core'
import { describe, expect, it } from 'vitest'
import { checkHistory } from '../../src/history/check-history.js'
import { recordHistory } from '../../src/history/record-history.js'

/** A history of some hundred operations by four workers on a memory store, perhaps with a defect. */
async function recorded(
  seed: number,
  change: (driver: StoreDriver) => StoreDriver = (driver) => driver,
) {
  const database = new MemoryDatabase()
  const stores: EventStore[] = []
  const open = () => {
    const store = createEventStore(change(memoryDriver(database)))
    stores.push(store)
    return store
  }
  const lines = await recordHistory({
    name: 'memory',
    store: open(),
    seed,
    workers: { open },
    stop: new AbortController().signal,
    operations: 250,
    plan: { pauseMs: 0, stallMs: 2000 },
  })
  await Promise.all(stores.map((store) => store.close()))
  return checkHistory(lines)
}

describe('a recorded history', () => {
  it('of the memory store breaks no rule', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const verdict = await recorded(seed)
      expect(verdict.violations).toEqual([])
      expect(verdict.counts.operations).toBeGreaterThan(800)
      expect(verdict.counts.delivered).toBeGreaterThan(0)
    }
  })
})
