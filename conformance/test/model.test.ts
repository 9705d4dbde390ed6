import { describe, expect, it } from 'vitest'
import { memoryHarness, runModel } from '../src/index.js'
import { defects } from './mutants/index.js'

/** Mutants that only show in sequences of calls, some of which nobody would think of. */
const subtle = [
  'forgets-last-on-close',
  'repeat-returns-the-head',
  'ids-win-over-the-number',
  'writes-the-new-of-a-mixture',
  'any-is-written-again',
  'trusts-its-own-cache',
  'keeps-rejected-ids',
  'checks-the-first-stream-only',
  'backwards-includes-after',
  'resumes-with-the-last-event',
  'positions-without-padding',
  'checkpoints-in-the-process',
]

describe('random sequences', () => {
  it('agree with the model on memory', async () => {
    await runModel(memoryHarness({ playServer: true }), { runs: 100 })
  })

  for (const name of subtle)
    it(`find ${name}`, async () => {
      const harness = memoryHarness({ ...defects[name], name, playServer: true })
      await expect(runModel(harness, { runs: 100, seed: 20 })).rejects.toThrow(
        /differs from the model \(seed 20/,
      )
    })

  it('shrink to few calls, and the seed brings the same failure again', async () => {
    const harness = memoryHarness({ ...defects['repeat-returns-the-head'], playServer: true })
    const message = () =>
      runModel(harness, { runs: 100, seed: 7 }).then(
        () => '',
        (error: Error) => error.message,
      )
    const first = await message()
    const calls = first.split('\n').filter((line) => /^ {2}\d+\. /.test(line))
    expect(calls.length).toBeGreaterThan(0)
    expect(calls.length).toBeLessThan(6)
    const again = await message()
    expect(again.split('\n').filter((line) => /^ {2}\d+\. /.test(line))).toEqual(calls)
  })
})
