import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isEventStoreError, matchesFilter } from '@annals/core'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresStore, postgresStoreFromUrl } from '../src/index.js'
import { countingPool } from './support/counting-client.js'
import { Follower } from './support/follower.js'
import { PoolingProxy } from './support/pooling-proxy.js'
import { TestDatabase } from './support/test-database.js'

let db: TestDatabase
beforeAll(async () => {
  db = await TestDatabase.start()
})
afterAll(() => db.close())

const event = (type = 'Placed') => ({ type, data: {} })
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'none',
    (error) => (isEventStoreError(error) ? error.code : String(error)),
  )

describe('the schema', () => {
  test('five migrations at once make one schema', async () => {
    const stores = Array.from({ length: 5 }, () => db.open('five'))
    await Promise.all(stores.map((store) => store.migrate()))
    await stores[0]!.append('Order-1', [event()])
    await Promise.all(stores.map((store) => store.migrate()))
    const { rows } = await db.admin.query('select version from five.migrations')
    expect(rows).toEqual([{ version: 1 }])
  })

  test('a failed migration leaves nothing behind', async () => {
    await db.admin.query('create schema taken; create table taken.snapshots ()')
    const store = db.open('taken')
    await expect(store.migrate()).rejects.toThrow(/already exists/)
    const { rows } = await db.admin.query(
      `select table_name from information_schema.tables where table_schema = 'taken'`,
    )
    expect(rows).toEqual([{ table_name: 'snapshots' }])
  })

  test('a newer schema is left alone, and an empty one too', async () => {
    const { schema } = await db.create()
    await db.admin.query(`insert into ${schema}.migrations values (999, 'from the future')`)
    const store = db.open(schema)
    expect(await codeOf(store.append('Order-1', [event()]))).toBe('SCHEMA_MISSING')
    expect(await codeOf(store.migrate())).toBe('SCHEMA_MISSING')
    await db.admin.query(`delete from ${schema}.migrations`)
    expect(await codeOf(store.readAll().toArray())).toBe('SCHEMA_MISSING')
  })

  test('the database itself refuses to change, remove or truncate events', async () => {
    const { store, schema } = await db.create()
    await store.append('Order-1', [event()])
    for (const statement of [
      `update ${schema}.events set event_data = '1'`,
      `delete from ${schema}.events`,
      `truncate ${schema}.events`,
    ]) {
      await expect(db.admin.query(statement)).rejects.toMatchObject({ code: '23001' })
    }
    expect(await store.readAll().toArray()).toHaveLength(1)
  })

  test('two stores in two schemas of one database know nothing of each other', async () => {
    const [one, two] = [await db.create(), await db.create()]
    await one.store.append('Order-1', [event()])
    expect(await two.store.headPosition()).toBeNull()
  })
})

describe('the prepared statements of reads', () => {
  test.each([
    ['one stream', 1, false],
    ['one stream', 1, true],
    ['100 streams', 100, false],
    ['100 streams', 100, true],
    ['a stream for each event', 10_000, false],
    ['a stream for each event', 10_000, true],
  ])(
    'find their rows by an index, for any values (%s, %d; analysed: %s)',
    async (_, streams, analysed) => {
      const { schema } = await db.create()
      const pool = new pg.Pool({ connectionString: db.url, max: 1 })
      const store = postgresStore({ pool, schema })
      const events = (count: number) => Array.from({ length: count }, () => event())
      const read = async () => {
        const after = (await store.readAll({ limit: 1 }).toArray())[0]!.position
        for (const direction of ['forwards', 'backwards'] as const) {
          const fromVersion = direction === 'forwards' ? 1 : 7
          await store.readStream('Order-1', { direction, fromVersion, limit: 5 }).toArray()
          await store.readAll({ direction, after, limit: 5 }).toArray()
        }
        const { rows } = await pool.query<{ name: string; parameters: number }>(
          `select name, cardinality(parameter_types) as parameters from pg_prepared_statements
          where statement like '%"${schema}".events e%'`,
        )
        return rows
      }
      // Statistics change when the test says so.
      await pool.query(`alter table ${schema}.events set (autovacuum_enabled = off)`)
      await store.append('Order-1', events(10))
      if (analysed) await pool.query(`analyze ${schema}.events`)
      // While the table is of a page, a plan would be to scan it.
      expect(await read()).toEqual([])

      const count = 10_000 / streams
      const appends = Array.from({ length: streams }, (_, i) => `Order-${i + 2}`)
      for (const part of chunks(appends, 500)) {
        await Promise.all(
          part.map(async (id) => {
            for (const some of chunks(events(count), 1000)) await store.append(id, some)
          }),
        )
      }
      if (analysed) await pool.query(`analyze ${schema}.events`)
      await read()
      const prepared = await read()
      // Of streams in both directions, of all forwards, backwards, and backwards from the end.
      expect(prepared.length).toBeGreaterThanOrEqual(4)
      await pool.query('set plan_cache_mode = force_generic_plan')
      for (const { name, parameters } of prepared) {
        const values = Array(parameters).fill('null')
        const { rows } = await pool.query(`explain execute ${name} (${values})`)
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
        expect(plan).toMatch(/Index Scan (Backward )?using events_(version|global_order)/)
        expect(plan).not.toMatch(/Seq Scan|Sort/)
      }
      await store.close()
      await pool.end()
    },
  )
})

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  )
}

describe('statements', () => {
  test('an append is one, a crowd of appends is few, an idle subscription is one each time it looks', async () => {
    const { schema } = await db.create()
    const { pool, texts } = countingPool({ connectionString: db.url })
    const store = postgresStore({ pool, schema })
    db.onClose(async () => {
      await store.close()
      await pool.end()
    })
    await store.append('Order-1', [event()])
    texts.length = 0
    await store.append('Order-1', [event()], { expectedVersion: 1 })
    expect(texts).toHaveLength(1)

    texts.length = 0
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.append(`Order-${i}`, [event()])))
    expect(texts.length).toBeLessThanOrEqual(2)

    const stop = new AbortController()
    for await (const { kind } of store.subscribeToAll({ after: 'end', signal: stop.signal })) {
      if (kind === 'caughtUp') break
    }
    texts.length = 0
    const idle = store.subscribeToAll({ after: 'end' })[Symbol.asyncIterator]()
    void idle.next()
    void idle.next().catch(() => {})
    while (texts.length < 6) await new Promise((resolve) => setTimeout(resolve, 5))
    await idle.return?.()
    expect(new Set(texts.slice(1))).toEqual(
      new Set([
        `select f[1], f[2], f[3], f[4], f[5] from (select "${schema}".frontier() as f offset 0) x`,
      ]),
    )
  })

  test('a filter that lets nothing through looks at a bounded number of rows for each page', async () => {
    const { schema, store } = await db.create()
    const many = Array.from({ length: 500 }, () => event('Common'))
    for (let i = 0; i < 20; i++) await store.append(`Order-${i}`, many)
    await store.append('Order-7', [event('Rare')])
    const { pool, texts } = countingPool({ connectionString: db.url })
    const counted = postgresStore({ pool, schema })
    db.onClose(async () => {
      await counted.close()
      await pool.end()
    })
    await counted.streamVersion('Order-1')
    texts.length = 0
    const filter = {
      streamPrefixes: ['O'],
      types: ['Rare', 'Absent'],
      categories: ['Order', 'Item'],
    }
    expect(await counted.readAll({ filter }).toArray()).toHaveLength(1)
    expect(texts.length).toBeGreaterThan(4)
    expect(texts.length).toBeLessThan(30)
    // An index leads to a single type: the frontier and one page.
    texts.length = 0
    expect(await counted.readAll({ filter: { types: ['Rare'] } }).toArray()).toHaveLength(1)
    expect(texts).toHaveLength(2)
  })
})

describe('filters', () => {
  test('give the same events with the indexes that may be dropped and without, in pages of any size', async () => {
    const { schema, store } = await db.create()
    for (let i = 0; i < 60; i++) {
      const types = ['A', 'B', 'C', 'D', 'E'].slice(0, (i % 5) + 1)
      await store.append(
        `${['Order', 'Item', 'Orders'][i % 3]}-${i % 7}`,
        Array.from({ length: 12 }, () => types.map((type) => event(type))).flat(),
      )
    }
    const all = await store.readAll().toArray()
    await db.admin.query(
      `drop index ${schema}.events_by_category, ${schema}.events_by_type, ${schema}.events_by_time`,
    )
    const without = db.open(schema)
    const filters = [
      { categories: ['Order'] },
      { categories: ['Item', 'Orders', 'Absent'] },
      { types: ['E'] },
      { types: ['A', 'C'] },
      { streamPrefixes: ['Order-1', 'Item-'] },
      { streamPrefixes: ['Order', 'It'] },
      { categories: ['Order', 'Item'], types: ['B', 'E'] },
      { categories: ['Order'], types: ['D'], streamPrefixes: ['Order-', 'X'] },
      { types: ['B'], streamPrefixes: ['Orders-2'] },
      { types: ['Absent'] },
    ]
    for (const filter of filters) {
      const expected = all.filter((e) => matchesFilter(filter, e)).map(({ id }) => id)
      for (const reader of [store, without]) {
        for (const direction of ['forwards', 'backwards'] as const) {
          const wanted = direction === 'forwards' ? expected : expected.toReversed()
          const read = await reader.readAll({ filter, direction }).toArray()
          expect(read.map(({ id }) => id)).toEqual(wanted)
          const few = await reader.readAll({ filter, direction, limit: 3 }).toArray()
          expect(few.map(({ id }) => id)).toEqual(wanted.slice(0, 3))
          // From the place of any event, also one that the filter does not let through.
          const after = all[777]!.position
          const rest = await reader.readAll({ filter, direction, after }).toArray()
          expect(rest.map(({ id }) => id)).toEqual(
            read
              .filter((e) => (direction === 'forwards' ? e.position > after : e.position < after))
              .map(({ id }) => id),
          )
        }
      }
    }
  })

  test('have longer lists than a statement has parameters', async () => {
    const { store } = await db.create()
    const kinds = Array.from({ length: 70_000 }, (_, i) => `Kind${i}`)
    for (const kind of [0, 65_536, 69_999])
      await store.append(`Kind${kind}-1`, [event(`Kind${kind}`)])
    await store.append('Other-1', [event()])
    for (const filter of [
      { types: kinds },
      { categories: kinds },
      { streamPrefixes: kinds.map((kind) => `${kind}-`) },
    ])
      expect(await store.readAll({ filter }).toArray()).toHaveLength(3)
  })
})

describe('behind a proxy that pools transactions', () => {
  test('everything works, over whichever connection, and leaves nothing in any session', async () => {
    const { schema } = await db.create()
    const proxy = await PoolingProxy.start(db.url)
    const store = postgresStore({ pool: proxy.pool(), schema })
    const follower = new Follower(store)
    for (let i = 0; i < 8; i++) await store.append('Order-1', [event()], { expectedVersion: i })
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => store.append(`Order-${i % 9}`, [event(), event()])),
    )
    await follower.look()
    await store.transaction(async ({ client, append }) => {
      await client.query('select 1')
      await append('Order-1', [event()])
      await append('Order-2', [event()])
    })
    await store.checkpoints.save('one', follower.position!, { expected: null })
    await store.snapshots.save({ streamId: 'Order-1', version: 3, state: {} })
    expect(await follower.missed()).toEqual([])
    expect(follower.seen).toHaveLength(110)

    // LISTEN seems to work there, and no notification ever comes: polling serves.
    const other = db.open(schema)
    for await (const message of store.subscribeToAll({ after: 'end' })) {
      if (message.kind === 'caughtUp') void other.append('News-1', [event('News')])
      if (message.kind === 'event') break
    }
    await store.close()
    for (const backend of proxy.backends) {
      const { rows } = await backend.query(
        `select current_setting('lock_timeout') as lock_timeout,
          current_setting('idle_in_transaction_session_timeout') as idle_timeout,
          (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
          (select count(*)::int from pg_prepared_statements) as prepared`,
      )
      expect(rows).toEqual([{ lock_timeout: '0', idle_timeout: '0', locks: 0, prepared: 0 }])
    }
    await proxy.close()
  })
})

describe('wake-ups', () => {
  test('an append of another process wakes a subscription by a notification, and no append sends one', async () => {
    const { schema, store } = await db.create()
    const { pool, texts } = countingPool({ connectionString: db.url })
    const writer = postgresStore({ pool, schema })
    db.onClose(async () => {
      await writer.close()
      await pool.end()
    })
    const listener = await db.client()
    const channels: string[] = []
    const notified = new Promise<void>((resolve) => {
      listener.on('notification', ({ channel }) => {
        channels.push(channel)
        resolve()
      })
    })
    await listener.query(`listen annals_${schema}`)
    for await (const message of store.subscribeToAll({ after: 'end' })) {
      if (message.kind === 'caughtUp') void writer.append('Order-1', [event()])
      if (message.kind === 'event') break
    }
    await notified
    expect(texts.filter((text) => text.includes('append'))).toHaveLength(1)
    const { rows } = await db.admin.query(
      `select count(*)::int as n from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname = $1 and p.prosrc ilike '%notify%'`,
      [schema],
    )
    expect(rows).toEqual([{ n: 0 }])
  })

  test('the listening connection is given back when nobody subscribes, and made again when it was lost', async () => {
    const { store, schema } = await db.create()
    const listeners = async () =>
      (
        await db.admin.query(
          `select pid from pg_stat_activity where query = 'listen "annals_${schema}"'`,
        )
      ).rows
    for await (const message of store.subscribeToAll()) {
      if (message.kind === 'caughtUp') {
        while ((await listeners()).length === 0) await new Promise((r) => setTimeout(r, 5))
        await db.admin.query('select pg_terminate_backend($1)', [(await listeners())[0].pid])
        void store.append('Order-1', [event()])
      }
      if (message.kind === 'event') break
    }
    while ((await listeners()).length > 0) await new Promise((r) => setTimeout(r, 5))
  })
})

describe('connections', () => {
  test('idle connections that the server ends do not end the process', async () => {
    const { schema } = await db.create()
    const pool = new pg.Pool({ connectionString: db.url })
    const store = postgresStore({ pool, schema })
    await Promise.all(Array.from({ length: 5 }, () => store.streamVersion('Order-1')))
    const database = new URL(db.url).pathname.slice(1)
    await db.server.terminateConnections(database)
    expect((await store.append('Order-1', [event()])).version).toBe(1)
    await store.close()
    // The caller's pool stays the caller's.
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await pool.end()
  })

  test('wrong credentials and a missing database are told apart from an outage', async () => {
    const missing = new URL(db.url)
    missing.pathname = '/no_such_database'
    expect(await codeOf(db.open('any', { url: missing.href }).headPosition())).toBe(
      'SCHEMA_MISSING',
    )
    const stranger = new URL(db.url)
    stranger.username = 'no_such_role'
    expect(await codeOf(db.open('any', { url: stranger.href }).headPosition())).toBe(
      'ACCESS_DENIED',
    )
    const closed = db.open('any', { url: 'postgres://127.0.0.1:1/x', retryBudgetMs: 20 })
    expect(await codeOf(closed.headPosition())).toBe('UNAVAILABLE')
  })

  test('options that make no sense are refused before anything is sent', () => {
    expect(() => postgresStore({} as never)).toThrow(/exactly one of/)
    expect(() => postgresStore({ connectionString: '', pglite: '' } as never)).toThrow(
      /exactly one/,
    )
    expect(() => db.open('pg_mine')).toThrow(/schema/)
    expect(() => db.open('a"; drop schema public; --')).toThrow(/schema/)
  })
})

/** The SQL that docs/postgres.md shows for least privilege, as it stands there. */
function documentedRoles(schema: string): string {
  const docs = readFileSync(new URL('../../../docs/postgres.md', import.meta.url), 'utf8')
  const block = /```sql\n(-- Least privilege[\s\S]*?)```/.exec(docs)?.[1]
  if (block === undefined) throw new Error('docs/postgres.md shows no roles')
  return block
    .replaceAll('annals_', `${schema}_`)
    .replaceAll('annals.', `${schema}.`)
    .replaceAll('schema annals', `schema ${schema}`)
}

describe('least privilege', () => {
  test('a writer appends and reads, a reader reads, and neither can do more', async () => {
    const { schema } = await db.create()
    await db.admin.query(documentedRoles(schema))
    const as = async (group: string) => {
      const role = `${schema}_${group}_login`
      await db.admin.query(`create role ${role} login in role ${schema}_${group}`)
      const url = new URL(db.url)
      url.username = role
      return { store: db.open(schema, { url: url.href }), client: await db.client(url.href) }
    }
    const writer = await as('writer')
    const reader = await as('reader')

    await writer.store.append('Order-1', [event()], { expectedVersion: 0 })
    await writer.store.appendToStreams([{ streamId: 'Order-2', events: [event()] }])
    await writer.store.transaction(({ append }) => append('Order-1', [event()]))
    await Promise.all([1, 2, 3].map(() => writer.store.append('Order-3', [event()])))
    await writer.store.migrate() // nothing to do, so no right to create is needed
    for (const { store } of [writer, reader]) {
      expect(await store.readAll().toArray()).toHaveLength(6)
      const head = (await store.headPosition())!
      await store.checkpoints.save('mine', head)
      await store.snapshots.save({ streamId: 'Order-1', version: 1, state: {} })
      for await (const message of store.subscribeToAll()) if (message.kind === 'caughtUp') break
    }
    expect(await codeOf(reader.store.append('Order-1', [event()]))).toBe('ACCESS_DENIED')
    expect(
      await codeOf(reader.store.appendToStreams([{ streamId: 'Order-9', events: [event()] }])),
    ).toBe('ACCESS_DENIED')
    for (const { client } of [writer, reader]) {
      for (const statement of [
        `insert into ${schema}.events (id) values (gen_random_uuid())`,
        `update ${schema}.events set version = 9`,
        `update ${schema}.streams set version = 9`,
        `delete from ${schema}.events`,
        `truncate ${schema}.events`,
        `alter table ${schema}.events disable trigger all`,
        `insert into ${schema}.epochs values (9, '1', 1)`,
        `select ${schema}.write_batch('9', 1, false, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')`,
      ]) {
        await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' })
      }
    }

    // A reader without rights over others' sessions still sees which transactions are open.
    const follower = new Follower(reader.store)
    const owner = db.open(schema)
    let commit = () => {}
    const mayCommit = new Promise<void>((resolve) => {
      commit = resolve
    })
    let wrote = () => {}
    const written = new Promise<void>((resolve) => {
      wrote = resolve
    })
    const slow = owner.transaction(async ({ append }) => {
      await append('Slow-1', [event()])
      wrote()
      await mayCommit
    })
    await written
    await writer.store.append('Fast-1', [event()])
    await follower.look()
    expect(follower.seen).toHaveLength(6)
    commit()
    await slow
    expect(await follower.missed()).toEqual([])
    expect(follower.seen).toHaveLength(8)
  })
})

describe('PGlite', () => {
  test('a folder that is closed and opened again holds everything, and appends go on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-pglite-'))
    const id = '0190b5d0-0000-7000-8000-0000000000cc'
    try {
      const first = postgresStoreFromUrl(`pglite:${folder}/data`)
      await first.migrate()
      await first.append('Order-1', [{ ...event(), id }], { expectedVersion: 0 })
      await first.close()
      const again = postgresStore({ pglite: `${folder}/data` })
      const [read] = await again.readAll().toArray()
      expect(read?.id).toBe(id)
      const repeated = await again.append('Order-1', [{ ...event(), id }], { expectedVersion: 0 })
      expect(repeated).toEqual({ version: 1, position: read?.position })
      const next = await again.transaction(async ({ client, append }) => {
        await client.query('create table mine (value integer)')
        return append('Order-1', [event()], { expectedVersion: 1 })
      })
      expect(next.version).toBe(2)
      expect(next.position > repeated.position).toBe(true)
      await again.close()
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }, 180_000)
})
