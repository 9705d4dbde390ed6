import { registerConformance } from '@annals/conformance/vitest'
import { describe } from 'vitest'
import { sqliteHarness } from './harness.js'

registerConformance(sqliteHarness())

// The suite writes some hundred events, which is one page here: where pages meet, only small ones show.
describe('with pages of three events', () => {
  const small = { events: 3, bytes: 2_000, scanned: 7 }
  registerConformance(sqliteHarness(undefined, small), {
    rules: ['READ-1', 'READ-4', 'ALL-1', 'ALL-7', 'ALL-8', 'SUB-1', 'SUB-2', 'SUB-5'],
  })
})
