import { randomUUID } from 'node:crypto'
import type { AppendResult } from '@annals/core'
import { afterAll, describe, expect, test } from 'vitest'
import type { PostgresEventStore } from '../src/index.js'
import { closeGate, gateSql, TestDatabase } from './support/test-database.js'

// What several writers of one process append at the same time goes as one statement. What must be the same as if each had
// gone alone: everybody's outcome, and what is left in the tables. Four appends are sent as one batch, more are divided.

const db = await TestDatabase.start()
afterAll(() => db.close())

const event = (type: string, id = randomUUID()) => ({ type, data: { type }, id })

/** What is left of a store, told by a reader of all: the place of each event in the order, and its stream's version. */
async function contents(store: PostgresEventStore): Promise<string[]> {
  const events = await store.readAll().toArray()
  return events.map(({ streamId, version, type }) => `${streamId} ${version} ${type}`)
}

const streamsOf = async (schema: string) =>
  (
    await db.admin.query(
      `select stream_id, version, last_epoch, last_transaction::text from ${schema}.streams order by stream_id`,
    )
  ).rows

/** A row of streams must be what its last event says. */
async function expectWholeStreams(schema: string) {
  const { rows } = await db.admin.query(
    `select st.stream_id from ${schema}.streams st
     left join ${schema}.events e on e.stream_id = st.stream_id and e.version = st.version
       and e.epoch = st.last_epoch and e.transaction_id = st.last_transaction
     where e.id is null and st.version > 0
       or st.version <> (select count(*) from ${schema}.events e where e.stream_id = st.stream_id)`,
  )
  expect(rows).toEqual([])
}

type Outcome = AppendResult['version'] | string

const outcomesOf = async (appends: readonly Promise<AppendResult>[]): Promise<Outcome[]> =>
  (await Promise.allSettled(appends)).map((outcome) =>
    outcome.status === 'fulfilled'
      ? outcome.value.version
      : `${outcome.reason.code} ${outcome.reason.actual ?? ''}`.trim(),
  )

describe('appends to different streams in one statement', () => {
  test('each gets its own result', async () => {
    const { store, schema } = await db.create()
    // In another order by bytes than as JavaScript's strings, and of different lengths.
    const streams = ['\uffee-1', '\u{10000}-1', 'z-1', 'Ä-1']
    for (let round = 0; round < 2; round++) {
      const results = await Promise.all(
        streams.map((streamId, n) =>
          store.append(
            streamId,
            Array.from({ length: n + 1 }, () => event('Happened')),
            { expectedVersion: round * (n + 1) },
          ),
        ),
      )
      for (const [n, streamId] of streams.entries()) {
        const [last] = await store
          .readStream(streamId, { direction: 'backwards', limit: 1 })
          .toArray()
        expect({ streamId, ...results[n] }).toEqual({
          streamId,
          version: (round + 1) * (n + 1),
          position: last?.position,
        })
      }
    }
    await expectWholeStreams(schema)
  })

  /** A new stream, one that goes on, one whose version is another, and one whose append came before. */
  const mixed = async (schema: string) => {
    const store = db.open(schema)
    const repeated = event('Repeated')
    await store.append('Goes-1', [event('First'), event('Second')], { expectedVersion: 0 })
    await store.append('Conflicts-1', [event('First')], { expectedVersion: 0 })
    await store.append('Repeats-1', [repeated], { expectedVersion: 0 })
    const outcomes = await outcomesOf([
      store.append('New-1', [event('First')], { expectedVersion: 0 }),
      store.append('Goes-1', [event('Third'), event('Fourth')], { expectedVersion: 2 }),
      store.append('Conflicts-1', [event('Never')], { expectedVersion: 5 }),
      store.append('Repeats-1', [repeated], { expectedVersion: 0 }),
    ])
    return { store, outcomes }
  }
  const mixedOutcomes = [1, 4, 'WRONG_EXPECTED_VERSION 1', 1]

  test('a conflict and a repeat do not touch their neighbours', async () => {
    const { schema } = await db.create()
    const { store, outcomes } = await mixed(schema)
    expect(outcomes).toEqual(mixedOutcomes)
    expect((await contents(store)).sort()).toEqual([
      'Conflicts-1 1 First',
      'Goes-1 1 First',
      'Goes-1 2 Second',
      'Goes-1 3 Third',
      'Goes-1 4 Fourth',
      'New-1 1 First',
      'Repeats-1 1 Repeated',
    ])
    await expectWholeStreams(schema)
    const next = await store.append('New-1', [event('Second')], { expectedVersion: 1 })
    expect(next.version).toBe(2)
  })

  test('mutant: without the stream’s version a conflict is written', async () => {
    const { schema } = await db.create()
    await db.alter(schema, 'append_distinct', 'st.version = x.expected', 'true')
    await expect(mixed(schema).then(({ outcomes }) => outcomes)).resolves.not.toEqual(mixedOutcomes)
  })

  test('mutant: streams that are not put back are counted twice', async () => {
    const { schema } = await db.create()
    await db.alter(
      schema,
      'append_distinct',
      'where st.stream_id = any (moved) and',
      'where false and',
    )
    await expect(mixed(schema).then(({ outcomes }) => outcomes)).resolves.not.toEqual(mixedOutcomes)
  })

  const known = async (schema: string) => {
    const store = db.open(schema)
    const id = randomUUID()
    await store.append('Order-1', [event('First', id)], { expectedVersion: 0 })
    await store.append('Order-2', [event('First')], { expectedVersion: 0 })
    const before = await streamsOf(schema)
    const outcomes = await outcomesOf([
      store.append('Order-1', [event('Second', id)], { expectedVersion: 1 }),
      store.append('Order-2', [event('Never')], { expectedVersion: 7 }),
    ])
    return { outcomes, before, after: await streamsOf(schema) }
  }
  const knownOutcomes = ['DUPLICATE_EVENT_ID', 'WRONG_EXPECTED_VERSION 1']

  test('an id that is known is refused, and nothing is left of it', async () => {
    const { schema } = await db.create()
    const { outcomes, before, after } = await known(schema)
    expect(outcomes).toEqual(knownOutcomes)
    expect(after).toEqual(before)
  })

  test('an id of another stream is no repeat', async () => {
    const { store, schema } = await db.create()
    const id = randomUUID()
    await store.append('Order-1', [event('First', id)], { expectedVersion: 0 })
    await store.append('Order-2', [event('First')], { expectedVersion: 0 })
    expect(
      await outcomesOf([
        store.append('Order-1', [event('Second')], { expectedVersion: 1 }),
        store.append('Order-2', [event('Second', id)], { expectedVersion: 1 }),
      ]),
    ).toEqual([2, 2])
    await expectWholeStreams(schema)
  })

  test('mutant: without the look for ids, and the index behind it, a known one is written again', async () => {
    const { store, schema } = await db.create()
    await db.alter(schema, 'append_distinct', 'held := not found;', '')
    await db.admin.query(`alter table ${schema}.events drop constraint events_id`)
    const id = randomUUID()
    await store.append('Order-1', [event('First', id)], { expectedVersion: 0 })
    await store.append('Order-2', [event('First')], { expectedVersion: 0 })
    expect(
      await outcomesOf([
        store.append('Order-1', [event('Second', id)], { expectedVersion: 1 }),
        store.append('Order-2', [event('Second')], { expectedVersion: 1 }),
      ]),
    ).toEqual([2, 2])
  })

  /** A batch has its xid before another writer, and its stream after it. */
  const overtaken = async (schema: string, gate: number) => {
    const store = db.open(schema)
    await store.append('Order-1', [event('First')], { expectedVersion: 0 })
    const open = await closeGate(db, gate)
    await db.alter(
      schema,
      'append_distinct',
      'if 0 = any (_expected) then',
      `${gateSql(gate)} if 0 = any (_expected) then`,
    )
    const batch = outcomesOf([
      store.append('Order-1', [event('Third')], { expectedVersion: 2 }),
      store.append('Order-2', [event('First')], { expectedVersion: 0 }),
    ])
    await db.reached(gate)
    await db.open(schema).append('Order-1', [event('Second')], { expectedVersion: 1 })
    await open()
    expect(await batch).toEqual([3, 1])
    return (await contents(store)).filter((line) => line.startsWith('Order-1'))
  }

  test('a batch that was overtaken at a stream writes it again, later in the order', async () => {
    const { schema } = await db.create()
    expect(await overtaken(schema, 140)).toEqual([
      'Order-1 1 First',
      'Order-1 2 Second',
      'Order-1 3 Third',
    ])
    await expectWholeStreams(schema)
  })

  test('mutant: without the stream’s last transaction the order is inverted', async () => {
    const { schema } = await db.create()
    await db.alter(
      schema,
      'append_distinct',
      'and (st.last_epoch, st.last_transaction) <= (epoch_now, writer)',
      '',
    )
    expect(await overtaken(schema, 141)).toEqual([
      'Order-1 1 First',
      'Order-1 3 Third',
      'Order-1 2 Second',
    ])
  })
})
