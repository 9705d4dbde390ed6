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

const writers = 32
const appendsOfARound = 6000
/** It depends on timing: rounds are added until something is missed. */
const maxRounds = 5

await show(`the reader gets all events of ${writers} writers, each once`, async () => {
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
  let stored = 0
  const append = () => store.appendToStream(`log-${++stored}`, [{ type: 'Noted', data: {} }])
  for (let round = 1; round <= maxRounds && seen.size === stored; round++) {
    const end = stored + appendsOfARound
    let writing = true
    const write = async () => {
      while (stored < end) await append()
    }
    const written = Promise.all(Array.from({ length: writers }, write)).finally(() => {
      writing = false
    })
    while (writing) await readOn()
    await written
    // One that nobody overtakes: when it has been read, the reader is behind everything.
    await append()
    while (!seen.has(`log-${stored}`)) await readOn()
    await readOn()
  }
  await store.close()
  await pool.end()
  const twice = [...seen.values()].filter((times) => times > 1).length
  return {
    shown: seen.size < stored,
    observed: `of ${stored} events it got ${seen.size}, ${twice} of them more than once`,
  }
})
