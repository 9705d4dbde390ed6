// Castore's in-memory adapter fails for aggregates whose id is the name of something that every object inherits.
import { castoreStore, memoryAdapter } from '../src/support/castore.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('the aggregate "constructor" can be read (empty) and pushed to', async () => {
  const store = castoreStore(memoryAdapter())
  const aggregateId = 'constructor'
  const reading = await errorOf(store.getEvents(aggregateId))
  const pushing = await errorOf(
    store.pushEvent({ aggregateId, version: 1, type: 'NOTED', payload: {} }),
  )
  return {
    shown: reading !== undefined && pushing !== undefined,
    observed: `reading: ${told(reading)}; pushing: ${told(pushing)}`,
  }
})
