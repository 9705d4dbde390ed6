// A handler of evtstore with `tailStream`, started before the first event, never gets the first events.
import pg from 'pg'
import {
  createMemoryProvider,
  createPgProvider,
  limit,
  migrate,
  type Provider,
  seats,
  tables,
} from '../src/support/evtstore.js'
import { emptyDatabase } from '../src/support/postgres.js'
import { show } from '../src/support/show.js'

async function handled(provider: Provider): Promise<unknown[]> {
  const { take, createHandler } = seats(provider)
  const seen: unknown[] = []
  const handler = createHandler('reader', ['seats'], { tailStream: true })
  handler.handle('seats', 'taken', async (_id, event) => {
    seen.push(event.by)
  })
  await handler.runOnce() // its start: there is no history, so it begins at the end of nothing
  await take('seat-1', 'ann')
  await handler.runOnce()
  await take('seat-2', 'bob')
  await handler.runOnce()
  return seen
}

await show('a handler that was started on an empty store gets "ann" and "bob"', async () => {
  const client = new pg.Pool({ connectionString: await emptyDatabase() })
  await migrate({ client, ...tables })
  const onPostgres = await handled(createPgProvider({ client, ...tables, limit }))
  const inMemory = await handled(createMemoryProvider())
  await client.end()
  return {
    shown: !onPostgres.includes('ann') && !inMemory.includes('ann'),
    observed: `on PostgreSQL it gets "${onPostgres.join(', ')}", in memory "${inMemory.join(', ')}"`,
  }
})
