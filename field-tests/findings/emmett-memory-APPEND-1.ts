// What a reader does to an event that Emmett's in-memory store gave it changes the store.
import { getInMemoryEventStore } from '@event-driven-io/emmett'
import { show } from '../src/support/show.js'

await show('the second reader gets the amount that was appended: 10', async () => {
  const store = getInMemoryEventStore()
  await store.appendToStream('account-1', [{ type: 'Paid', data: { amount: 10 } }])
  const first = await store.readStream('account-1')
  for (const event of first.events) (event.data as { amount: number }).amount = 0
  const second = await store.readStream('account-1')
  const amount = (second.events[0]!.data as { amount: number }).amount
  return { shown: amount === 0, observed: `the second reader gets ${amount}` }
})
