// Castore's DynamoDB adapter gives all events of an aggregate, whatever the limit.
import { castoreStore, dynamoDbAdapter } from '../src/support/castore.js'
import { show } from '../src/support/show.js'

await show('`reverse: true, limit: 1` gives the last event alone', async () => {
  const store = castoreStore(await dynamoDbAdapter())
  const aggregateId = 'note-1'
  for (let version = 1; version <= 5; version++)
    await store.pushEvent({ aggregateId, version, type: 'NOTED', payload: { version } })
  const { events } = await store.getEvents(aggregateId, { reverse: true, limit: 1 })
  return {
    shown: events.length === 5,
    observed: `the events ${events.map((e) => e.version).join(', ')}`,
  }
})
