// Two commands on one aggregate at the same time both take effect in evtstore's in-memory provider.
import { createMemoryProvider, seats } from '../src/support/evtstore.js'
import { show } from '../src/support/show.js'

await show('one of two commands that take the same seat fails', async () => {
  const provider = createMemoryProvider()
  const { take } = seats(provider)
  const results = await Promise.allSettled([take('seat-1', 'ann'), take('seat-1', 'bob')])
  const events = await provider.getEventsFor('seats', 'seat-1')
  const succeeded = results.filter((r) => r.status === 'fulfilled').length
  return {
    shown: succeeded === 2,
    observed: `${succeeded} succeeded; the aggregate has ${events
      .map((e) => `version ${e.version} by ${e.event.by}`)
      .join(' and ')}`,
  }
})
