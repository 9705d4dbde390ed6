// A consumer of Emmett's PostgreSQL store that starts from END gets events from before its start.
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { emptyDatabase } from '../src/support/postgres.js'
import { gate, show } from '../src/support/show.js'

await show(
  'a consumer with startFrom END gets only the event appended after its start',
  async () => {
    const store = getPostgreSQLEventStore(await emptyDatabase())
    await store.appendToStream('log-1', [
      { type: 'Noted', data: { n: 'old 1' } },
      { type: 'Noted', data: { n: 'old 2' } },
      { type: 'Noted', data: { n: 'old 3' } },
    ])
    const seen: string[] = []
    const something = gate()
    const consumer = store.consumer()
    consumer.reactor({
      processorId: 'from-the-end',
      startFrom: 'END',
      eachMessage: (message) => {
        seen.push((message.data as { n: string }).n)
        something.open()
      },
    })
    const ended = consumer.start()
    // Appends until one arrives, so that the script need not know when the consumer has found its start.
    let n = 0
    const timer = setInterval(() => {
      void store.appendToStream('log-2', [{ type: 'Noted', data: { n: `new ${++n}` } }])
    }, 50)
    await something.opened
    clearInterval(timer)
    await consumer.close()
    await ended
    await store.close()
    const old = seen.filter((name) => name.startsWith('old'))
    return { shown: old.length > 0, observed: `it got ${seen.join(', ')}` }
  },
)
