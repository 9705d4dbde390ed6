// Under plain load, a reader of Emmett's PostgreSQL store misses events and gets others twice: parallel appends to
// different streams take the numbers of their transactions in one order and their positions in another. It reads as the
// store's consumers do, with their function and batch size; findings/emmett-postgresql-ALL-4.ts has a consumer.
import { dumbo } from '@event-driven-io/dumbo'
import {
  DefaultPostgreSQLEventStoreProcessorBatchSize as batchSize,
  getPostgreSQLEventStore,
  readMessagesBatch,
} from '@event-driven-io/emmett-postgresql'
import pg from 'pg'
import { emptyDatabase } from '../src/support/postgres.js'
import { show } from '../src/support/show.js'

const appends = 6000
const writers = 32

await show(`the reader gets all ${appends} events of ${writers} writers, each once`, async () => {
  const url = await emptyDatabase()
  const pool = new pg.Pool({ connectionString: url, max: writers + 2 })
  const store = getPostgreSQLEventStore(url, { connectionOptions: { pool } })
  await store.schema.migrate()
  const { execute } = dumbo({ connectionString: url, pool })

  const seen = new Map<string, number>()
  let after = 0n
  const readOn = async () => {
    for (;;) {
      const page = await readMessagesBatch(execute, { after, batchSize })
      for (const { metadata } of page.messages)
        seen.set(metadata.streamName, (seen.get(metadata.streamName) ?? 0) + 1)
      after = page.currentGlobalPosition
      if (!page.areMessagesLeft) return
    }
  }
  let next = 0
  let writing = true
  const write = async () => {
    while (next < appends)
      await store.appendToStream(`log-${++next}`, [{ type: 'Noted', data: {} }])
  }
  const written = Promise.all(Array.from({ length: writers }, write)).finally(() => {
    writing = false
  })
  while (writing) await readOn()
  await written
  await store.appendToStream('last', [{ type: 'Noted', data: {} }])
  while (!seen.has('last')) await readOn()
  await readOn()
  await store.close()
  await pool.end()
  const twice = [...seen.values()].filter((times) => times > 1).length
  return {
    shown: seen.size < appends + 1,
    observed: `of ${appends + 1} events it got ${seen.size}, ${twice} of them more than once`,
  }
})
