import { describe, expect, it } from 'vitest'
import { checkHistory } from '../../src/history/check-history.js'
import { simulateHistory, strong, weak } from './simulated-history.js'

// Set ANNALS_HISTORIES for more than what each run can afford.
const histories = Number(process.env.ANNALS_HISTORIES ?? 1000)

describe('a history of a store that keeps the contract', () => {
  for (const [name, capabilities] of Object.entries({ strong, weak })) {
    it(`is never blamed: ${histories} random ones of a store with ${name} capabilities`, async () => {
      let unknown = 0
      for (let seed = 1; seed <= histories; seed++) {
        const { header, lines } = simulateHistory({ seed, capabilities })
        const verdict = await checkHistory([header, ...lines].map((line) => JSON.stringify(line)))
        if (!verdict.ok) {
          const [first] = verdict.violations
          throw new Error(`seed ${seed}: ${JSON.stringify(first, null, 2)}`)
        }
        unknown += verdict.counts.unknown + verdict.counts.unanswered
      }
      expect(unknown).toBeGreaterThan(histories)
    })
  }
})
