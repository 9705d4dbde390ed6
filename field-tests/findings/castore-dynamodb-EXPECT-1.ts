// Castore's DynamoDB adapter takes an event whose version leaves a gap behind the last one.
import { randomUUID } from 'node:crypto'
import { castoreStore, dynamoDbAdapter } from '../src/support/castore.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('version 7 is refused where the last version is 1', async () => {
  const store = castoreStore(await dynamoDbAdapter())
  const aggregateId = randomUUID()
  await store.pushEvent({ aggregateId, version: 1, type: 'NOTED', payload: {} })
  const error = await errorOf(
    store.pushEvent({ aggregateId, version: 7, type: 'NOTED', payload: {} }),
  )
  const { events } = await store.getEvents(aggregateId)
  const versions = events.map((e) => e.version).join(', ')
  return {
    shown: error === undefined && versions === '1, 7',
    observed: error ? told(error) : `it was taken; the aggregate has the versions ${versions}`,
  }
})
