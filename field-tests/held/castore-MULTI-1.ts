// Held: a group of events in which one exists already writes nothing, in all three of Castore's adapters.
import { randomUUID } from 'node:crypto'
import { EventStore } from '@castore/core'
import {
  castoreStore,
  dynamoDbAdapter,
  memoryAdapter,
  postgresAdapter,
} from '../src/support/castore.js'
import { errorOf, show, told } from '../src/support/show.js'

await show(
  'the group is refused and leaves nothing, in memory, DynamoDB and PostgreSQL',
  async () => {
    const results: string[] = []
    let held = true
    for (const adapter of [memoryAdapter(), await dynamoDbAdapter(), await postgresAdapter()]) {
      const store = castoreStore(adapter)
      const event = (aggregateId: string, version: number) => ({
        ...{ aggregateId, version },
        ...{ type: 'NOTED' as const, payload: {} },
      })
      const [ann, bob] = [randomUUID(), randomUUID()]
      await store.pushEvent(event(bob, 1))
      const error = await errorOf(
        EventStore.pushEventGroup(
          store.groupEvent(event(ann, 1)),
          store.groupEvent(event(ann, 2)),
          store.groupEvent(event(bob, 1)),
        ),
      )
      const { events } = await store.getEvents(ann)
      held &&=
        (error as { code?: unknown }).code === 'EventAlreadyExistsError' && events.length === 0
      results.push(`${adapter.constructor.name}: ${told(error)}, ${events.length} events`)
    }
    return { shown: held, observed: results.join('; ') }
  },
)
