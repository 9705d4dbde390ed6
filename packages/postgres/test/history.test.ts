import type { Harness } from '@annals/conformance'
import { type FaultName, runSoak } from '@annals/conformance/history'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Alter, type ServerHarness, serverHarness } from './support/server-harness.js'

// What the checker finds in the log of what several processes did and saw, and in nothing else: each part of the protocol
// that is taken out shows, and the store as it is shows nothing under the same faults.

/** Histories of two seconds each, by workers of this process: until one shows something, or so many are checked. */
function observe(target: Harness, faults: readonly FaultName[], rounds: number) {
  return runSoak({
    target,
    seed: 5,
    faults,
    workerStore: false,
    keepHistories: false,
    minutes: (rounds * 2) / 60,
    roundSeconds: 2,
    settleMs: 200,
    plan: { streams: 4 },
    until: ({ anomalies }) => anomalies > 0,
  })
}

interface Planted {
  readonly defect: string
  readonly faults: readonly FaultName[]
  /** Of these rules one must be named. */
  readonly rules: readonly string[]
  readonly alter: Alter
}

const planted: readonly Planted[] = [
  {
    defect: 'without the frontier: readers are given all that is committed',
    faults: ['hold-writer'],
    rules: ['ALL-4'],
    alter: ({ change }) =>
      change('frontier', 'frontier := least(frontier, ceiling - age);', 'null;'),
  },
  {
    defect: 'without the check of repeats',
    faults: ['cut-after-commit'],
    rules: ['IDEM-1', 'IDEM-2'],
    alter: async ({ name, change, run }) => {
      await change('write_batch', 'ids_known := found;', 'ids_known := false;')
      await change('append_one', 'if found then', 'if false then')
      await run(`alter table ${name}.events drop constraint events_id`)
    },
  },
]

let harness: ServerHarness
beforeAll(async () => {
  harness = await serverHarness('embedded')
})
afterAll(() => harness.close?.())

describe('a history alone', () => {
  for (const { defect, faults, rules, alter } of planted) {
    test(`shows a store ${defect}`, async () => {
      const { violationsByRule } = await observe(harness.altered(alter), faults, 15)
      expect(rules.filter((rule) => Object.hasOwn(violationsByRule, rule))).not.toEqual([])
    })

    test(`shows nothing in the store as it is, under ${faults}`, async () => {
      const { violations, faultsInjected, faultsMissing } = await observe(harness, faults, 1)
      expect(violations).toEqual([])
      expect(faultsMissing).toEqual([])
      for (const fault of faults) expect(faultsInjected[fault]).toBeGreaterThan(0)
    })
  }
})

describe('a soak', () => {
  test('works in processes of its own, kills and stops them, and finds no anomaly', async () => {
    const result = await runSoak({
      target: harness,
      seed: 1,
      faults: ['kill-worker', 'stop-worker'],
      workers: 2,
      minutes: 1,
      settleMs: 200,
      until: ({ faultsInjected }) =>
        ['kill-worker', 'stop-worker'].every((fault) => Object.hasOwn(faultsInjected, fault)),
    })
    expect(result.violations).toEqual([])
    expect(result.faultsMissing).toEqual([])
    expect(Object.keys(result.faultsInjected).sort()).toEqual(['kill-worker', 'stop-worker'])
    expect(result.eventsChecked).toBeGreaterThan(0)
  })
})
