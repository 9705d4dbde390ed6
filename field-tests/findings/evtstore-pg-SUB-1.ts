// Under plain load, a handler of evtstore on PostgreSQL misses events: parallel commands on different aggregates commit
// in another order than that of their positions.
import pg from 'pg'
import { createPgProvider, limit, migrate, seats, tables } from '../src/support/evtstore.js'
import { emptyDatabase } from '../src/support/postgres.js'
import { show } from '../src/support/show.js'

const commands = 2000
const writers = 16

await show(`the handler gets all ${commands} events of ${writers} writers`, async () => {
  const client = new pg.Pool({ connectionString: await emptyDatabase(), max: writers + 2 })
  await migrate({ client, ...tables })
  const { take, createHandler } = seats(createPgProvider({ client, ...tables, limit }))
  let seen = 0
  const handler = createHandler('reader', ['seats'])
  handler.handle('seats', 'taken', async () => {
    seen++
  })
  let next = 0
  let writing = true
  const write = async () => {
    while (next < commands) await take(`seat-${++next}`, 'ann')
  }
  const written = Promise.all(Array.from({ length: writers }, write)).finally(() => {
    writing = false
  })
  while (writing) await handler.runOnce()
  await written
  await handler.runOnce()
  await take('seat-last', 'bob')
  await handler.runOnce()
  const { rows } = await client.query('select count(*)::int as stored from events')
  await client.end()
  return {
    shown: seen < rows[0].stored,
    observed: `${rows[0].stored} events are stored; it got ${seen}, and its bookmark is behind the last`,
  }
})
