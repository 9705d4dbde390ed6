import { describe, expect, it } from 'vitest'
import { checkHistory } from '../../src/history/check-history.js'
import { Random } from '../../src/history/random.js'
import { mutations } from './mutations.js'
import { simulateHistory } from './simulated-history.js'

const wanted = Number(process.env.ANNALS_HISTORIES ?? 1000) / 25

describe('a good history is changed so that it breaks a rule, and the checker finds it', () => {
  it.each(Object.entries(mutations))('%s', async (_name, mutate) => {
    let tried = 0
    for (let seed = 1; tried < wanted && seed < wanted * 20; seed++) {
      const { header, lines } = simulateHistory({ seed })
      if (!mutate(lines, new Random(seed))) continue
      tried++
      const verdict = await checkHistory([header, ...lines].map((line) => JSON.stringify(line)))
      if (verdict.ok) throw new Error(`seed ${seed}: the change was not found`)
    }
    expect(tried).toBeGreaterThanOrEqual(wanted / 2)
  })
})
