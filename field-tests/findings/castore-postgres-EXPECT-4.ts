// In a table with a name of the user's own, Castore's PostgreSQL adapter does not report the conflict of a group as one.
import { randomUUID } from 'node:crypto'
import { EventStore } from '@castore/core'
import { castoreStore, postgresAdapter } from '../src/support/castore.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('an EventAlreadyExistsError for one event and for a group of events', async () => {
  const store = castoreStore(await postgresAdapter('notes'))
  const aggregateId = randomUUID()
  const event = { aggregateId, version: 1, type: 'NOTED' as const, payload: {} }
  await store.pushEvent(event)
  const alone = await errorOf(store.pushEvent(event))
  const grouped = await errorOf(EventStore.pushEventGroup({}, store.groupEvent(event)))
  // What Castore's commands look at to decide on a retry.
  const isConflict = (error: unknown) =>
    (error as { code?: string }).code === 'EventAlreadyExistsError'
  return {
    shown: isConflict(alone) && !isConflict(grouped),
    observed: `one event: ${told(alone)}; a group: ${told(grouped)}`,
  }
})
