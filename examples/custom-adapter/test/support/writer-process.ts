import { once } from 'node:events'
import { isEventStoreError, newEventId } from '@annals/core'
import { sqliteStore } from '../../src/index.js'
import type { Acknowledged } from './acknowledged.js'

// Appends to one stream that others append to as well: half of the appends at a version, half at 'any'.
const [job] = (await once(process, 'message')) as [{ file: string; name: string; appends: number }]
const store = sqliteStore({ file: job.file, retryBudgetMs: 60_000 })
await store.streamVersion('Shared-1')
process.send!('ready')
await once(process, 'message')

for (let number = 0; number < job.appends; number++) {
  const events = [0, 1].map((part) => ({
    type: 'Counted',
    data: { by: job.name, number, part },
    id: newEventId(),
  }))
  const acknowledged: Acknowledged = {
    ids: events.map((event) => event.id),
    ...(await (number % 2 === 0 ? appendAtVersion(events) : store.append('Shared-1', events))),
  }
  process.send!(acknowledged)
}
await store.close()
process.disconnect()

async function appendAtVersion(events: Parameters<typeof store.append>[1]) {
  for (;;) {
    const expectedVersion = await store.streamVersion('Shared-1')
    try {
      return await store.append('Shared-1', events, { expectedVersion })
    } catch (error) {
      if (!isEventStoreError(error, 'WRONG_EXPECTED_VERSION')) throw error
    }
  }
}
