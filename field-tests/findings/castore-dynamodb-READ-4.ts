// Castore's DynamoDB adapter refuses numbers that JSON and JavaScript hold.
import { randomUUID } from 'node:crypto'
import { castoreStore, dynamoDbAdapter } from '../src/support/castore.js'
import { show, told } from '../src/support/show.js'

const numbers = [Number.MAX_SAFE_INTEGER, 2 ** 53, 1e21, 1e125, 1e126, 1e308, 5e-324, 0.1]

await show('each number comes back as it was pushed ("A payload of any type")', async () => {
  const store = castoreStore(await dynamoDbAdapter())
  const broken: string[] = []
  for (const n of numbers) {
    const aggregateId = randomUUID()
    try {
      await store.pushEvent({ aggregateId, version: 1, type: 'NOTED', payload: { n } })
      const { events } = await store.getEvents(aggregateId)
      const back = (events[0]!.payload as { n: unknown }).n
      if (back !== n) broken.push(`${n}: ${typeof back} ${back}`)
    } catch (error) {
      broken.push(`${n}: refused (${told(error)})`)
    }
  }
  return { shown: broken.length > 0, observed: broken.join('; ') }
})
