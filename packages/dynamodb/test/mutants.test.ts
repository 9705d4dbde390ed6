import { startDynamoDb } from '@annals/test-servers'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { World } from './support/interleave.js'
import { mutants } from './support/mutants.js'
import { mutated } from './support/mutate.js'
import { scenarios } from './support/scenarios.js'

/** Orders tried before a mutant counts as missed. Most are found within the first few. */
const runs = 400

const server = await startDynamoDb()
afterAll(() => server.stop())

describe('the interleavings find out a store', () => {
  for (const mutant of mutants) {
    it(`in which ${mutant.name}`, { timeout: 120_000 }, async () => {
      const { factory, drop } = await mutated(mutant)
      try {
        const explored = fc.check(
          fc.asyncProperty(fc.scheduler(), async (scheduler) => {
            const world = new World(server, factory, scheduler)
            scenarios[mutant.scenario]!(world)
            await world.run()
          }),
          { numRuns: runs, endOnFailure: true, seed: 1 },
        )
        const { failed, numRuns, errorInstance } = await explored
        expect(failed, `not found in ${numRuns} orders`).toBe(true)
        // Found by what the contract says, not by an accident of the mutation.
        expect(String(errorInstance)).toMatch(/\((APPEND|ALL|IDEM|EXPECT)-\d/)
        console.log(`${numRuns} orders: ${mutant.name}: ${errorInstance}`)
      } finally {
        drop()
      }
    })
  }
})
