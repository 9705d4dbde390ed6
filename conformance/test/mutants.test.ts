import { describe, expect, it } from 'vitest'
import {
  allCases,
  type CaseResult,
  type ConformanceCase,
  type Harness,
  memoryHarness,
  mutants,
  type RuleId,
  rules,
  runCase,
} from '../src/index.js'
import { defects } from './mutants/index.js'

// Some mutants are found by a wait that never ends. Healthy cases on memory take milliseconds, so this is generous.
const watchdogMs = 2_000

/** A short case of every other rule, to see that a mutant is a store with one defect and not a heap of rubble. */
const samples: readonly ConformanceCase[] = rules
  .filter((_, i) => i % 2 === 0)
  .flatMap((rule) => allCases.filter((c) => c.rule === rule.id && c.level !== 'full').slice(0, 1))

/** Runs cases until so many have failed: what hangs costs the watchdog's time each time. */
async function results(
  harness: Harness,
  cases: readonly ConformanceCase[],
  enough = Number.POSITIVE_INFINITY,
): Promise<CaseResult[]> {
  const all: CaseResult[] = []
  for (const testCase of cases) {
    all.push(await runCase(harness, testCase, { watchdogMs }))
    if (failed(all).length >= enough) break
  }
  return all
}

const failed = (all: readonly CaseResult[]) => all.filter((r) => r.outcome === 'failed')

describe('mutants', () => {
  it('are the ones in the registry', () => {
    expect(Object.keys(defects).sort()).toEqual(mutants.map((m) => m.name).sort())
  })

  it('break every rule', () => {
    const broken = new Set<RuleId>(mutants.map((m) => m.rule))
    expect(rules.map((r) => r.id).filter((id) => !broken.has(id))).toEqual([])
  })

  for (const { name, rule, defect } of mutants)
    it(`${rule} finds ${name}: ${defect}`, { timeout: 60_000 }, async () => {
      const harness = memoryHarness({ ...defects[name], name, playServer: true })
      const ownCases = allCases.filter((c) => c.rule === rule)
      const own = failed(await results(harness, ownCases, 2))
      expect(own.map((r) => r.id)).not.toEqual([])
      // Found for what it does wrong: by a comparison, a code or a wait with a name, not by a crash of the case.
      for (const { error } of own) expect(error?.message).not.toMatch(/TypeError|ReferenceError/)
      const others = await results(
        harness,
        samples.filter((c) => c.rule !== rule),
      )
      const healthy = others.length - failed(others).length
      expect(
        healthy / others.length,
        `share of other rules' cases that ${name} passes; failed: ${failed(others).map((r) => r.id)}`,
      ).toBeGreaterThan(0.6)
    })
})
