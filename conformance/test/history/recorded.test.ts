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
import { plantedFaults } from './planted-faults.js'

/** A history of some hundred operations by four workers on a memory store, perhaps with a defect. */
async function recorded(
  seed: number,
  plant: (driver: StoreDriver, database: MemoryDatabase) => StoreDriver = (driver) => driver,
) {
  const database = new MemoryDatabase()
  const stores: EventStore[] = []
  // One driver for all handles: what a defect remembers belongs to the database.
  const driver = plant(memoryDriver(database), database)
  const open = () => {
    const store = createEventStore(driver)
    stores.push(store)
    return store
  }
  const lines = await recordHistory({
    name: 'memory',
    store: open(),
    seed,
    workers: { open },
    stop: new AbortController().signal,
    operations: 150,
    plan: { pauseMs: 0, stallMs: 1000 },
  })
  await Promise.all(stores.map((store) => store.close()))
  return checkHistory(lines)
}

describe('a recorded history', () => {
  it('of the memory store breaks no rule', async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const verdict = await recorded(seed)
      expect(verdict.violations).toEqual([])
      expect(verdict.counts.operations).toBeGreaterThan(500)
      expect(verdict.counts.delivered).toBeGreaterThan(0)
    }
  })

  it.each(Object.entries(plantedFaults))('gives away that %s', async (_name, { rules, plant }) => {
    const found = new Set<string>()
    // A defect shows when others happen to look: one history may miss it, three must not.
    for (let seed = 1; seed <= 3; seed++) {
      const { violations } = await recorded(seed, plant)
      for (const { rule } of violations) found.add(rule)
      if (rules.some((rule) => found.has(rule))) return
    }
    expect([...found]).toEqual(expect.arrayContaining([expect.stringMatching(rules.join('|'))]))
  })
})
