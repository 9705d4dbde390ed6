// A handler of evtstore on PostgreSQL never gets an event whose transaction commits after one with a later position.
import pg from 'pg'
import { createPgProvider, limit, migrate, seats, tables } from '../src/support/evtstore.js'
import { emptyDatabase, untilSomebodyWaits } from '../src/support/postgres.js'
import { show } from '../src/support/show.js'

await show('the handler gets all events', async () => {
  const url = await emptyDatabase()
  const client = new pg.Pool({ connectionString: url })
  await migrate({ client, ...tables })
  const provider = createPgProvider({ client, ...tables, limit })
  const { take, createHandler } = seats(provider)

  // Somebody writes the first event of seat-2 and rolls back: what comes second in the append below waits for it.
  const other = new pg.Client(url)
  await other.connect()
  await other.query('begin')
  await other.query(
    `insert into events (stream, aggregate_id, version, event, timestamp) values ('seats', 'seat-2', 2, '{}', now())`,
  )
  const slow = provider.append(
    'seats',
    'seat-2',
    1,
    provider.createEvents('seats', 'seat-2', 1, [
      { type: 'taken', by: 'slow' } as { type: string },
      { type: 'taken', by: 'slow again' } as { type: string },
    ]),
  )
  await untilSomebodyWaits(url)
  await take('seat-1', 'fast')

  const seen: unknown[] = []
  const handler = createHandler('reader', ['seats'])
  handler.handle('seats', 'taken', async (_id, event) => {
    seen.push(event.by)
  })
  await handler.runOnce()
  await other.query('rollback')
  await slow
  await handler.runOnce()
  await take('seat-3', 'last')
  await handler.runOnce()

  const stored = await provider.getEventsFrom('seats', 0)
  await Promise.all([other.end(), client.end()])
  return {
    shown: !seen.includes('slow') && seen.includes('last'),
    observed: `stored, by position: ${stored.map((e) => e.event.by).join(', ')}; the handler got ${seen.join(', ')}`,
  }
})
