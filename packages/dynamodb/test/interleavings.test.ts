import { dynamoDbStore } from '@annals/dynamodb'
import { startDynamoDb } from '@annals/test-servers'
import fc from 'fast-check'
import { afterAll, describe, it } from 'vitest'
import { World } from './support/interleave.js'
import { scenarios } from './support/scenarios.js'

const runs = Number(process.env.ANNALS_INTERLEAVINGS ?? 25)
const server = await startDynamoDb()
afterAll(() => server.stop())

describe(`${runs} orders of the requests of each scenario keep the contract`, () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    it(name, { timeout: 60_000 + runs * 5000 }, async () => {
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), async (scheduler) => {
          const world = new World(server, dynamoDbStore, scheduler)
          scenario(world)
          await world.run()
        }),
        { numRuns: runs, endOnFailure: false, interruptAfterTimeLimit: 50_000 + runs * 4000 },
      )
    })
  }
})
