// Castore's PostgreSQL adapter loses payloads that JavaScript takes for false, and refuses arrays and other values.
import { randomUUID } from 'node:crypto'
import { castoreStore, postgresAdapter } from '../src/support/castore.js'
import { show, told } from '../src/support/show.js'

const payloads: readonly unknown[] = [0, false, '', 42, 'text', true, [1, 2], { n: 1 }]

await show('each payload comes back as it was pushed ("A payload of any type")', async () => {
  const store = castoreStore(await postgresAdapter())
  const results: string[] = []
  for (const payload of payloads) {
    const aggregateId = randomUUID()
    try {
      await store.pushEvent({ aggregateId, version: 1, type: 'NOTED', payload })
      const { events } = await store.getEvents(aggregateId)
      results.push(JSON.stringify(events[0]?.payload) ?? 'none')
    } catch (error) {
      results.push(`refused (${told(error)})`)
    }
  }
  const broken = payloads.flatMap((payload, i) =>
    JSON.stringify(payload) === results[i] ? [] : [`${JSON.stringify(payload)}: ${results[i]}`],
  )
  return { shown: broken.length > 0, observed: broken.join('; ') }
})
