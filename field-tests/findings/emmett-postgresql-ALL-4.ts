// A consumer of Emmett's PostgreSQL store never gets an event, because two transactions took their numbers in one order
// and their events' positions in the other. It reads what is below the oldest open transaction, in the order of
// transactions, and goes on after the last event's position.
import type { Event } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore, postgreSQLProjection } from '@event-driven-io/emmett-postgresql'
import { emptyDatabase, untilSomebodyWaits } from '../src/support/postgres.js'
import { errorOf, gate, show } from '../src/support/show.js'

type Opened = Event<'Opened', { by: string }>

const opened = (by: string): Opened => ({ type: 'Opened', data: { by } })

await show('a consumer gets the events "slow", "fast" and "last"', async () => {
  const url = await emptyDatabase()
  const store = getPostgreSQLEventStore(url)
  await store.schema.migrate()

  // This append is in its transaction, and will be rolled back: its inline projection is at work, and fails.
  const doomed = withProjection(url, () => {
    throw new Error('the projection failed')
  })
  const rolledBack = errorOf(doomed.store.appendToStream('cart-a', [opened('nobody')]))
  await doomed.atWork
  // This one has the number of its transaction, and waits for the one above: it has no position yet.
  const slow = store.appendToStream('cart-a', [opened('slow')])
  await untilSomebodyWaits(url)
  // This one has a later number and an earlier position, and its inline projection is at work.
  const held = withProjection(url, () => {})
  const fast = held.store.appendToStream('cart-b', [opened('fast')])
  await held.atWork
  doomed.finish()
  await rolledBack
  await slow

  const seen: string[] = []
  const got = { slow: gate(), last: gate() }
  const consumer = store.consumer()
  consumer.reactor<Opened>({
    processorId: 'reader',
    startFrom: 'BEGINNING',
    eachMessage: ({ data }) => {
      seen.push(data.by)
      if (data.by === 'slow' || data.by === 'last') got[data.by].open()
    },
  })
  const ended = consumer.start()
  await got.slow.opened
  held.finish()
  await fast
  await store.appendToStream('cart-c', [opened('last')])
  await got.last.opened
  await consumer.close()
  await ended
  await Promise.all([store.close(), doomed.store.close(), held.store.close()])
  return {
    shown: !seen.includes('fast'),
    observed: `all three appends succeeded; it got ${seen.map((name) => `"${name}"`).join(', ')}`,
  }
})

/** A store whose inline projection stays at work until `finish`. */
function withProjection(url: string, end: () => void) {
  const atWork = gate()
  const finish = gate()
  const projection = postgreSQLProjection({
    name: 'takes-its-time',
    canHandle: ['Opened'],
    handle: async () => {
      atWork.open()
      await finish.opened
      end()
    },
  })
  const store = getPostgreSQLEventStore(url, { projections: [{ type: 'inline', projection }] })
  return { store, atWork: atWork.opened, finish: finish.open }
}
