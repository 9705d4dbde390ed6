import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { EventStore, Filter, NewEvent } from '@annals/core'
import Database from 'libsql'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sqliteStore } from '../src/index.js'
import { FaultyFile } from './support/faulty-file.js'
import { temporaryFolder } from './support/folder.js'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let store: EventStore
let sql: Database.Database

beforeEach(async () => {
  folder = await temporaryFolder()
  store = sqliteStore({ file: folder.file })
  await store.migrate()
  sql = new Database(folder.file)
})
afterEach(async () => {
  sql.close()
  await store.close()
  await folder.remove()
})

const event = (data: unknown = null, type = 'Happened'): NewEvent => ({ type, data })
const streamsOf = async (filter: Filter) =>
  (await store.readAll({ filter }).toArray()).map(({ streamId }) => streamId)

test('a transaction of somebody else in the same file does not delay readers, and appends wait for it', async () => {
  await store.append('Order-1', [event()])
  sql.exec('CREATE TABLE theirs (a)')
  sql.exec('BEGIN IMMEDIATE')
  sql.exec('INSERT INTO theirs VALUES (1)')

  expect(await store.readAll().toArray()).toHaveLength(1)
  await using impatient = sqliteStore({ file: folder.file, retryBudgetMs: 0 })
  const refused = await impatient.append('Order-1', [event()]).catch((error) => error)
  expect(refused).toMatchObject({ code: 'UNAVAILABLE', cause: { code: 'SQLITE_BUSY' } })

  let retried = () => {}
  const waiting = new Promise<void>((resolve) => {
    retried = resolve
  })
  await using patient = sqliteStore({ file: folder.file, onRetry: () => retried() })
  const appending = patient.append('Order-1', [event()])
  await waiting
  sql.exec('COMMIT')
  expect(await appending).toMatchObject({ version: 2 })
})

test('streams and prefixes are compared as bytes: no wildcards, no folding of case, each code point', async () => {
  const last = '\u{10ffff}'
  const ids = [
    'a%b-1',
    'aXb-1',
    'a_b-1',
    'A_B-1',
    `z${last}`,
    `z${last}${last}-1`,
    '\ud7ff-1',
    '\ue000-1',
  ]
  for (const id of ids) await store.append(id, [event()], { expectedVersion: 0 })

  expect(await streamsOf({ streamPrefixes: ['a_b'] })).toEqual(['a_b-1'])
  expect(await streamsOf({ streamPrefixes: ['a%'] })).toEqual(['a%b-1'])
  expect(await streamsOf({ streamPrefixes: [`z${last}`] })).toEqual([
    `z${last}`,
    `z${last}${last}-1`,
  ])
  expect(await streamsOf({ streamPrefixes: [`z${last}${last}`] })).toEqual([`z${last}${last}-1`])
  expect(await streamsOf({ streamPrefixes: ['\ud7ff'] })).toEqual(['\ud7ff-1'])
  expect(await streamsOf({ categories: ['A_B', 'aXb'] })).toEqual(['aXb-1', 'A_B-1'])
})

test('a filter of more alternatives than SQL takes selects the same', async () => {
  for (const number of [1, 2, 3]) await store.append(`Order-${number}`, [event(number)])
  const many = Array.from({ length: 3_000 }, (_, number) => `Order-${number + 2}`)
  expect(await streamsOf({ streamPrefixes: many })).toEqual(['Order-2', 'Order-3'])
  expect(await streamsOf({ categories: ['Order'], types: ['Happened', ...many] })).toHaveLength(3)
})

test('a page is bounded in bytes as well, in both directions and in all reads', async () => {
  const large = 'x'.repeat(200 * 1024)
  for (let n = 0; n < 12; n++) await store.append('Order-1', [event(large)])
  const readers = [
    store.readStream('Order-1'),
    store.readStream('Order-1', { direction: 'backwards' }),
    store.readAll(),
    store.readAll({ direction: 'backwards' }),
    store.readAll({ filter: { types: ['Happened'] } }),
  ]
  for (const reader of readers) {
    const sizes: number[] = []
    for await (const batch of reader.batches()) sizes.push(batch.length)
    expect(sizes).toEqual([5, 5, 2])
  }
})

test('events that somebody deleted by hand leave gaps, and their positions are not given again', async () => {
  for (let n = 1; n <= 6; n++) await store.append(`Order-${n}`, [event()])
  sql.exec('DELETE FROM annals_events WHERE position IN (1, 3, 6)')
  expect(await streamsOf({})).toEqual(['Order-2', 'Order-4', 'Order-5'])
  const backwards = await store.readAll({ direction: 'backwards' }).toArray()
  expect(backwards.map(({ streamId }) => streamId)).toEqual(['Order-5', 'Order-4', 'Order-2'])
  const { position } = await store.append('Order-7', [event()])
  expect(position).toBe('sq000000000000007')
})

test('what is damaged is CORRUPT, and says where it stands', async () => {
  await store.append('Order-1', [event({ a: 1 })])
  const read = () => store.readStream('Order-1').toArray()
  sql.exec(`UPDATE annals_events SET data = 5`)
  await expect(read()).rejects.toMatchObject({ code: 'CORRUPT', message: /sq0+1|position 1/ })
  sql.exec(`UPDATE annals_events SET data = '{"half a'`)
  await expect(read()).rejects.toMatchObject({ code: 'CORRUPT' })

  const garbage = join(dirname(folder.file), 'garbage.db')
  await writeFile(garbage, 'no database'.repeat(1_000))
  await using damaged = sqliteStore({ file: garbage })
  await expect(damaged.migrate()).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(damaged.streamVersion('Order-1')).rejects.toMatchObject({ code: 'CORRUPT' })
})

test('a file without the tables, or with those of another release, is SCHEMA_MISSING', async () => {
  const other = join(dirname(folder.file), 'other.db')
  new Database(other).exec('CREATE TABLE theirs (a)')
  await using unmigrated = sqliteStore({ file: other })
  await expect(unmigrated.headPosition()).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
  await unmigrated.migrate()
  expect(await unmigrated.headPosition()).toBeNull()

  sql.exec('UPDATE annals_schema SET version = 2')
  await using old = sqliteStore({ file: folder.file })
  await expect(old.headPosition()).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
  await expect(old.migrate()).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })

  sql.exec('DROP TABLE annals_events')
  await expect(store.append('Order-1', [event()])).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
})

test('a path that cannot be opened is refused at once, and says what to do', async () => {
  const nowhere = sqliteStore({ file: join(folder.file, '..', 'nowhere', 'a.db') })
  await expect(nowhere.migrate()).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: /create it/,
  })
  await nowhere.close()
  await mkdir(join(dirname(folder.file), 'with ? and #, 100%'))
  await using odd = sqliteStore({ file: join(dirname(folder.file), 'with ? and #, 100%', 'a.db') })
  await odd.migrate()
  await odd.append('Order-1', [event()])
  expect(() => sqliteStore({ file: ':memory:' })).toThrow(/memoryStore/)
})

test('types come back whole, and what core lets through has no U+0000', async () => {
  const types = ['%', 'ä\u{1f600}', '\ufeffBOM', '007', 'NULL']
  for (const type of types) await store.append('Order-1', [event(null, type)])
  const read = await store.readStream('Order-1').toArray()
  expect(read.map(({ type }) => type)).toEqual(types)
  for (const type of ['a\0b', '\ud800']) {
    await expect(store.append('Order-1', [event(null, type)])).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  }
})

test('many appends of one moment share one transaction', async () => {
  const file = new FaultyFile(folder.file)
  await using counted = sqliteStore({ file })
  await counted.append('Order-0', [event()])
  const before = file.requests
  await Promise.all(
    Array.from({ length: 50 }, (_, n) => counted.append(`Order-${n + 1}`, [event()])),
  )
  // Each reads its stream's version and inserts; beginning and committing once more or less is what one may see.
  expect(file.requests - before).toBeLessThan(50 * 2 + 10)
})
