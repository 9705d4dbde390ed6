// Under plain load, a handler of evtstore on PostgreSQL misses events: parallel commands on different aggregates commit
// in another order than that of their positions.
import pg from 'pg'
import { createPgProvider, limit, migrate, seats, tables } from '../src/support/evtstore.js'
import { emptyDatabase } from '../src/support/postgres.js'
import { show } from '../src/support/show.js'

const writers = 16
const commandsOfARound = 2000
/** It depends on timing: rounds are added until something is missed. */
const maxRounds = 10

await show(`the handler gets all events of ${writers} writers`, async () => {
  const client = new pg.Pool({ connectionString: await emptyDatabase(), max: writers + 2 })
  await migrate({ client, ...tables })
  const { take, createHandler } = seats(createPgProvider({ client, ...tables, limit }))
  let seen = 0
  const handler = createHandler('reader', ['seats'])
  handler.handle('seats', 'taken', async () => {
    seen++
  })
  let stored = 0
  for (let round = 1; round <= maxRounds && seen === stored; round++) {
    const end = stored + commandsOfARound
    let writing = true
    const write = async () => {
      while (stored < end) await take(`seat-${++stored}`, 'ann')
    }
    const written = Promise.all(Array.from({ length: writers }, write)).finally(() => {
      writing = false
    })
    while (writing) await handler.runOnce()
    await written
    await handler.runOnce()
    // One that nobody overtakes: when it has been handled, the handler's bookmark is behind everything.
    await take(`seat-${++stored}`, 'bob')
    await handler.runOnce()
  }
  const { rows } = await client.query('select count(*)::int as n from events')
  await client.end()
  return {
    shown: rows[0].n === stored && seen < stored,
    observed: `${rows[0].n} events are stored; it got ${seen}, and its bookmark is behind the last`,
  }
})
