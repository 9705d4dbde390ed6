// Castore's in-memory adapter fails for aggregates whose id is the name of something that every object inherits.
import { castoreStore, memoryAdapter } from '../src/support/castore.js'
import { errorOf, show, told } from '../src/support/show.js'

const ids = ['constructor', 'toString', '__proto__']

await show(`the aggregates ${ids.join(', ')} can be read (empty) and pushed to`, async () => {
  const store = castoreStore(memoryAdapter())
  const results: string[] = []
  let failed = 0
  for (const aggregateId of ids) {
    const reading = await errorOf(store.getEvents(aggregateId))
    const pushing = await errorOf(
      store.pushEvent({ aggregateId, version: 1, type: 'NOTED', payload: {} }),
    )
    if (reading !== undefined && pushing !== undefined) failed++
    results.push(`${aggregateId}: ${firstLine(reading)}, ${firstLine(pushing)}`)
  }
  return { shown: failed === ids.length, observed: results.join('; ') }
})

function firstLine(error: unknown): string {
  return told(error).split('\n')[0] ?? ''
}
