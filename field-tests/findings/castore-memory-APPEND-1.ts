// What a reader does to an event that Castore's in-memory adapter gave it changes the store.
import { castoreStore, memoryAdapter } from '../src/support/castore.js'
import { show } from '../src/support/show.js'

await show('the second reader gets the amount that was pushed: 10', async () => {
  const store = castoreStore(memoryAdapter())
  const aggregateId = 'account-1'
  await store.pushEvent({ aggregateId, version: 1, type: 'NOTED', payload: { amount: 10 } })
  const first = await store.getEvents(aggregateId)
  for (const event of first.events) (event.payload as { amount: number }).amount = 0
  const second = await store.getEvents(aggregateId)
  const { amount } = second.events[0]!.payload as { amount: number }
  return { shown: amount === 0, observed: `the second reader gets ${amount}` }
})
