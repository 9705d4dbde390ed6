import { describe, expect, it } from 'vitest'
import { allCases, memoryHarness, runConformance } from '../src/index.js'
import { oddballs } from './oddballs/oddballs.js'

const cases = allCases.filter((c) => c.concurrent).map((c) => c.id)

// ANNALS_REPEAT=50 for a change to a concurrency case: what is right must be right each time.
describe('cases whose result may depend on timing, again and again', () => {
  for (const [name, options] of [
    ['memory', {}],
    ['memory with random latency', oddballs['random latency'] ?? {}],
  ] as const)
    it(name, { timeout: 600_000 }, async () => {
      const report = await runConformance(memoryHarness({ ...options, name, playServer: true }), {
        cases,
        repeat: Number(process.env.ANNALS_REPEAT ?? 5),
      })
      expect(report.results.flatMap((r) => r.error?.message ?? [])).toEqual([])
      expect(report.ok).toBe(true)
    })
})
