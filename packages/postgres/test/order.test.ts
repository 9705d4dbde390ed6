import type { EventStore } from '@annals/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schemaName } from '../src/schema-name.js'
import { Follower } from './support/follower.js'
import { closeGate, gateSql, TestDatabase } from './support/test-database.js'

// How the global order is made, and that each part of it is needed: the same interleavings run on the store as it is and
// on stores whose functions were altered in one place, which must lose or misplace an event.

let db: TestDatabase
beforeAll(async () => {
  db = await TestDatabase.start()
})
afterAll(() => db.close())

const event = (type: string) => ({ type, data: {} })

/** A sequence logs to WAL, and so takes an xid, only once in 32 numbers: a fresh one hides errors. */
async function warm(store: EventStore) {
  for (let i = 0; i < 40; i++) await store.append(`Warm-${i}`, [event('Warm')])
}

/**
 * An append that has its xid stops before its stream, until another has appended to the stream: it must be done again. The
 * store that it was made through.
 */
async function appendTooLate(schema: string): Promise<EventStore> {
  const other = db.open(schema)
  await warm(other)
  const open = await closeGate(db, 130)
  await db.alter(
    schema,
    'append_one',
    'if _expected = 0 then',
    `if _stream = 'Order-1' then ${gateSql(130)} end if; if _expected = 0 then`,
  )
  const late = db.open(schema)
  const waiting = late.append('Order-1', [event('Second')])
  await db.reached(130)
  await other.appendToStreams([
    { streamId: 'Order-1', events: [event('First')] },
    { streamId: 'Order-2', events: [event('First')] },
  ])
  await open()
  expect((await waiting).version).toBe(2)
  return late
}

/** A writer in a transaction that stays open, with an xid of its own, until it is told to commit. */
async function openWriter(schema: string) {
  const store = db.open(schema)
  let commit = () => {}
  const mayCommit = new Promise<void>((resolve) => {
    commit = resolve
  })
  let written = () => {}
  const hasWritten = new Promise<void>((resolve) => {
    written = resolve
  })
  const done = store.transaction(async (transaction) => {
    await transaction.append('Slow-1', [event('Slow')])
    written()
    await mayCommit
  })
  await Promise.race([hasWritten, done])
  return {
    async commit() {
      commit()
      await done
    },
  }
}

/** Others commit while a writer with an earlier xid is still open; a reader looks in between. */
async function missedWhileOpen(schema: string): Promise<string[]> {
  const store = db.open(schema)
  await warm(store)
  const follower = new Follower(store)
  const slow = await openWriter(schema)
  for (let i = 0; i < 5; i++) await store.append(`Fast-${i}`, [event('Fast')])
  await follower.look()
  await slow.commit()
  return follower.missed()
}

/** A reader stops at a gate inside the frontier function while a writer begins, and another begins and commits. */
async function missedAround(schema: string, gate: number): Promise<string[]> {
  const store = db.open(schema)
  await warm(store)
  const follower = new Follower(db.open(schema))
  await follower.look()
  const open = await closeGate(db, gate)
  const looking = follower.look()
  await db.reached(gate)
  const slow = await openWriter(schema)
  for (let i = 0; i < 5; i++) await store.append(`Fast-${i}`, [event('Fast')])
  await open()
  await looking
  await slow.commit()
  return follower.missed()
}

describe('nothing arrives late', () => {
  test('while an earlier transaction is open', async () => {
    const { schema } = await db.create()
    expect(await missedWhileOpen(schema)).toEqual([])
  })

  test('mutant: a frontier without the holders of the lock loses events', async () => {
    const { schema } = await db.create()
    await db.alter(schema, 'frontier', 'frontier := least(frontier, ceiling - age);', 'null;')
    expect(await missedWhileOpen(schema)).not.toEqual([])
  })

  test('mutant: a cursor on the sequence alone loses events, with the frontier or without', async () => {
    const { store, schema } = await db.create()
    await warm(store)
    // The writer takes its sequence number first and its place in the order of transactions later.
    const first = await db.client()
    await first.query('begin')
    await first.query(`select ${schema}.enter()`)
    const { rows } = await first.query(
      `select nextval('${schema}.events_global_position_seq') as taken`,
    )
    await store.append('Fast-1', [event('Fast')])
    const cursor = await db.admin.query(
      `select max(e.global_position) as highest from ${schema}.events e
       where e.transaction_id < ((${schema}.frontier())[2])::xid8`,
    )
    // What the first writer is about to insert has a number that the cursor has passed.
    expect(Number(rows[0].taken)).toBeLessThan(Number(cursor.rows[0].highest))
    await first.query('rollback')
  })

  // The snapshot's ceiling first, then the backends' xids, then the lock's holders, then the events: a reader may be
  // interrupted between any two.
  const points = {
    'between ceiling and xids': 'perform pg_stat_clear_snapshot();',
    'between xids and holders': 'for holder in',
    'between holders and events': 'select case when e.xmin',
  }
  for (const [index, [title, before]] of Object.entries(points).entries()) {
    test(`a reader interrupted ${title}`, async () => {
      const { schema } = await db.create()
      const gate = 100 + index
      await db.alter(schema, 'frontier', before, `${gateSql(gate)} ${before}`)
      expect(await missedAround(schema, gate)).toEqual([])
    })
  }

  test('mutant: a ceiling taken after the holders were read loses events', async () => {
    const { schema } = await db.create()
    await db.alter(
      schema,
      'frontier',
      'select case when e.xmin',
      `${gateSql(110)} frontier := least(frontier + 1000000, pg_snapshot_xmax(pg_current_snapshot())::text::bigint);
       select case when e.xmin`,
    )
    expect(await missedAround(schema, 110)).not.toEqual([])
  })

  /** A writer stops at a gate while others write and a reader looks. */
  const missedAroundWriter = async (schema: string, gate: number) => {
    const store = db.open(schema)
    await warm(store)
    const follower = new Follower(db.open(schema))
    const open = await closeGate(db, gate)
    // The gate is only for the stream that the test names, so that the others pass.
    const slow = db.open(schema).append('Gated-1', [event('Slow')])
    await db.reached(gate)
    for (let i = 0; i < 5; i++) await store.append(`Fast-${i}`, [event('Fast')])
    await follower.look()
    await open()
    await slow
    return follower.missed()
  }
  const gated = (gate: number) => `if _stream like 'Gated-%' then ${gateSql(gate)} end if;`
  const takeLock = /perform pg_advisory_xact_lock_shared\(\d+, -?\d+\);/

  test('a writer interrupted between the lock and its xid', async () => {
    const { schema } = await db.create()
    await db.alter(
      schema,
      'append_one',
      'writer := pg_current_xact_id();',
      `${gated(120)} writer := pg_current_xact_id();`,
    )
    expect(await missedAroundWriter(schema, 120)).toEqual([])
  })

  test('a writer interrupted between its xid and its events', async () => {
    const { schema } = await db.create()
    await db.alter(
      schema,
      'append_one',
      'writer := pg_current_xact_id();',
      `writer := pg_current_xact_id(); ${gated(121)}`,
    )
    expect(await missedAroundWriter(schema, 121)).toEqual([])
  })

  test('mutant: a lock taken after the xid loses events', async () => {
    const { schema } = await db.create()
    await db.alter(
      schema,
      'append_one',
      takeLock,
      `writer := pg_current_xact_id(); ${gated(122)} $&`,
    )
    expect(await missedAroundWriter(schema, 122)).not.toEqual([])
  })
})

describe('the order agrees with each stream', () => {
  /** A transaction that got its xid first appends to a stream after a later one has. */
  const inverted = async (schema: string) => {
    const store = db.open(schema)
    await warm(store)
    let runs = 0
    await store.transaction(async (transaction) => {
      runs++
      await transaction.append(`Other-${runs}`, [event('Other')])
      if (runs === 1) await db.open(schema).append('Order-1', [event('First')])
      await transaction.append('Order-1', [event('Second')])
    })
    const inOrder = await store.readAll({ filter: { categories: ['Order'] } }).toArray()
    return { versions: inOrder.map(({ version }) => version), runs }
  }

  test('a transaction with an earlier xid is run again', async () => {
    const { schema } = await db.create()
    expect(await inverted(schema)).toEqual({ versions: [1, 2], runs: 2 })
  })

  test('mutant: without the stream’s last position the order is inverted', async () => {
    const { schema } = await db.create()
    const check = '(st.last_epoch, st.last_transaction) <= (epoch_now, writer)'
    for (let i = 0; i < 3; i++) await db.alter(schema, 'append_one', check, 'true')
    expect(await inverted(schema)).toEqual({ versions: [2, 1], runs: 1 })
  })

  test('an append that waited for its stream is written again by the store itself, in a batch and alone', async () => {
    const { store, schema } = await db.create()
    await appendTooLate(schema)
    const types = (await store.readAll({ filter: { categories: ['Order'] } }).toArray()).map(
      ({ streamId, type }) => `${streamId} ${type}`,
    )
    expect(types).toEqual(['Order-1 First', 'Order-2 First', 'Order-1 Second'])
  })
})

describe('a stream to which several processes write', () => {
  /** An append stands in line for its stream while another is written: whether readers are given that one meanwhile. */
  const readWhileInLine = async (schema: string) => {
    const { locks } = schemaName(schema)
    const store = db.open(schema)
    const late = await appendTooLate(schema)
    // From now on it stands in line.
    const line = await db.client()
    const place = `${locks.streams}, hashtext('Order-1') # ${locks.key}`
    await line.query(`select pg_advisory_lock(${place})`)
    const inLine = late.append('Order-1', [event('Third')])
    await db.waiting(locks.streams)
    const { position } = await store.append('Else-1', [event('Else')])
    const given = (await store.headPosition()) === position
    await line.query(`select pg_advisory_unlock(${place})`)
    expect((await inLine).version).toBe(3)
    return given
  }

  test('an append that came too late stands in line the next time, and holds back no reader there', async () => {
    const { schema } = await db.create()
    expect(await readWhileInLine(schema)).toBe(true)
  })

  test('mutant: one that stands in line with an xid holds readers back', async () => {
    const { schema } = await db.create()
    const line = 'if _queued is not null then'
    await db.alter(schema, 'append_one', line, `writer := pg_current_xact_id(); ${line}`)
    expect(await readWhileInLine(schema)).toBe(false)
  })
})

describe('a stream that another creates while an append to it is refused', () => {
  /** A refused append has looked at a stream that is not there, and stops; the stream is created; the append goes on. */
  const createdMeanwhile = async (schema: string, expectedVersion: number | 'exists') => {
    const open = await closeGate(db, 140)
    await db.alter(
      schema,
      'write_batch',
      'perform 1 from',
      `if 'Gated-1' = any (_streams) and _expected[1] not in (0, -1) then ${gateSql(140)} end if; perform 1 from`,
    )
    const refused = db
      .open(schema)
      .append('Gated-1', [event('Refused')], { expectedVersion })
      .catch((error: { code?: string }) => error.code)
    await db.reached(140)
    const store = db.open(schema)
    await store.append('Gated-1', [event('Created')], { expectedVersion: 0 })
    await open()
    return { outcome: await refused, version: await store.streamVersion('Gated-1') }
  }

  test.each([3, 'exists'] as const)('keeps its version (%s)', async (expectedVersion) => {
    const { schema } = await db.create()
    expect(await createdMeanwhile(schema, expectedVersion)).toEqual({
      outcome: 'WRONG_EXPECTED_VERSION',
      version: 1,
    })
  })

  test('mutant: a version that is written back without a lock undoes the creation', async () => {
    const { schema } = await db.create()
    await db.alter(schema, 'write_batch', 'v.version > 0 and ', '')
    expect(await createdMeanwhile(schema, 'exists')).toMatchObject({ version: 0 })
  })
})

describe('work outside the store', () => {
  test('an open transaction in another table and one in another database do not delay readers', async () => {
    const { store } = await db.create()
    const elsewhere = await db.server.createDatabase()
    const clients = [await db.client(), await db.client(elsewhere)]
    for (const client of clients) {
      await client.query('create table if not exists public.foreign_work (value integer)')
      await client.query('begin')
      await client.query('insert into public.foreign_work values (1)')
    }
    const { position } = await store.append('Order-1', [event('Placed')])
    expect(await store.headPosition()).toBe(position)
    expect(await store.readAll().toArray()).toHaveLength(1)
    for (const client of clients) await client.query('rollback')
  })

  test('an open transaction of another store of the same database does not either', async () => {
    const { schema } = await db.create()
    const { store } = await db.create()
    const slow = await openWriter(schema)
    const { position } = await store.append('Order-1', [event('Placed')])
    expect(await store.headPosition()).toBe(position)
    await slow.commit()
  })

  test('a reader at another isolation level waits for them, and loses nothing', async () => {
    const { schema } = await db.create()
    const url = new URL(db.url)
    url.searchParams.set('options', '-c default_transaction_isolation=serializable')
    const store = db.open(schema, { url: url.href })
    const follower = new Follower(store)
    const slow = await openWriter(schema)
    await store.append('Order-1', [event('Placed')])
    await follower.look()
    expect(follower.seen).toEqual([])
    await slow.commit()
    expect(await follower.missed()).toEqual([])
    expect(follower.seen).toHaveLength(2)
  })
})
