import type { Harness } from '@annals/conformance'
import { type FaultName, runSoak } from '@annals/conformance/history'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DynamoDbHarness, dynamoDbHarness } from './support/harness.js'
import { mutants } from './support/mutants.js'
import { mutated } from './support/mutate.js'

// What the checker finds in the log of what several processes did and saw, and in nothing else: each stone that is taken
// out of the protocol shows, and the store as it is shows nothing under the same faults.

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
    settleMs: 700,
    // Few streams, so that writers meet; and no subscriptions, which wait for what a store with a defect never gives.
    plan: { streams: 4, subscriptions: 0 },
    until: ({ anomalies }) => anomalies > 0,
  })
}

/** By the names of the mutants. Of the rules one must be named. */
const planted: Readonly<
  Record<string, { readonly faults: readonly FaultName[]; readonly rules: readonly string[] }>
> = {
  'no condition that the stream ends where the writer believes': {
    faults: [],
    rules: ['EXPECT-2', 'APPEND-1', 'APPEND-4'],
  },
  "no condition on the writer's slot": { faults: ['hold-writer'], rules: ['ALL-4', 'ALL-5'] },
  'a reader passes a hole': { faults: ['hold-writer'], rules: ['ALL-4'] },
}

let harness: DynamoDbHarness
beforeAll(async () => {
  harness = await dynamoDbHarness('in memory')
})
afterAll(() => harness.close?.())

describe('a history alone', () => {
  for (const [name, { faults, rules }] of Object.entries(planted)) {
    it(`shows a store in which ${name}`, async () => {
      const mutant = mutants.find((each) => each.name === name)
      const { factory, drop } = await mutated(mutant!)
      try {
        const { open, ...rest } = harness.with(factory)
        // What a store with a defect cannot do any more is not to be tried for long.
        const impatient = { ...rest, open: () => open({ retryBudgetMs: 500 }) }
        const { violationsByRule } = await observe(impatient, faults, 15)
        expect(rules.filter((rule) => Object.hasOwn(violationsByRule, rule))).not.toEqual([])
      } finally {
        drop()
      }
    })
  }

  it.each([[[]], [['hold-writer']]] as const)(
    'shows nothing in the store as it is, under %j',
    async (faults) => {
      const { violations, faultsInjected, faultsMissing } = await observe(harness, faults, 1)
      expect(violations).toEqual([])
      expect(faultsMissing).toEqual([])
      for (const fault of faults) expect(faultsInjected[fault]).toBeGreaterThan(0)
    },
  )
})

describe('a soak', () => {
  it('works in processes of its own, kills and stops them, and finds no anomaly', async () => {
    const result = await runSoak({
      target: harness,
      seed: 1,
      faults: ['kill-worker', 'stop-worker'],
      workers: 2,
      minutes: 1,
      settleMs: 700,
      until: ({ faultsInjected }) =>
        ['kill-worker', 'stop-worker'].every((fault) => Object.hasOwn(faultsInjected, fault)),
    })
    expect(result.violations).toEqual([])
    expect(result.faultsMissing).toEqual([])
    expect(Object.keys(result.faultsInjected).sort()).toEqual(['kill-worker', 'stop-worker'])
    expect(result.eventsChecked).toBeGreaterThan(0)
  })
})
