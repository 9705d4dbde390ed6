import { execFileSync, spawnSync } from 'node:child_process'
import { availablePostgres } from '@annals/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Follower } from './support/follower.js'
import { TestDatabase } from './support/test-database.js'

const event = (type: string) => ({ type, data: {} })
const tables = [
  'migrations',
  'epochs',
  'streams',
  'events',
  'snapshots',
  'subscription_checkpoints',
]

/** Transaction ids that a new cluster is far from. */
const burnXids = (db: TestDatabase) =>
  db.admin.query(
    'do $$ begin for i in 1..3000 loop perform pg_current_xact_id(); commit; end loop; end $$',
  )

/**
 * A logical copy: with pg_dump and psql where they fit the servers, else row by row, which is what a dump does: each row is
 * written again by a transaction of the new cluster.
 */
async function copy(from: TestDatabase, to: TestDatabase, schema: string): Promise<void> {
  const dump = spawnSync('pg_dump', ['--version'], { encoding: 'utf8' })
  const major = Number(/ (\d+)/.exec(dump.stdout ?? '')?.[1] ?? 0)
  if (major >= Number.parseInt(from.server.version, 10)) {
    const sql = execFileSync('pg_dump', ['--schema', schema, from.url], { maxBuffer: 1 << 28 })
    execFileSync('psql', ['--set', 'ON_ERROR_STOP=1', '--quiet', to.url], {
      input: sql,
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    return
  }
  await to.create({ schema })
  for (const table of tables) {
    const { rows } = await from.admin.query(
      `select coalesce(json_agg(t), '[]')::text as rows from ${schema}.${table} t`,
    )
    await to.admin.query(`alter table ${schema}.${table} disable trigger user`)
    await to.admin.query(`delete from ${schema}.${table}`)
    await to.admin.query(
      `insert into ${schema}.${table} select * from json_populate_recordset(null::${schema}.${table}, $1)`,
      [rows[0].rows],
    )
    await to.admin.query(`alter table ${schema}.${table} enable trigger user`)
  }
  await to.admin.query(
    `select setval('${schema}.events_global_position_seq', (select max(global_position) from ${schema}.events))`,
  )
}

// Both ways to copy: npm's server comes without pg_dump; the one on the PATH usually has it beside.
const offers = (await availablePostgres()).map(({ source }) => source)
const sources = (['embedded', 'path'] as const).filter((source) => offers.includes(source))

describe.each(sources)('a dump restored into a new cluster (%s)', (source) => {
  let old: TestDatabase
  let fresh: TestDatabase
  beforeAll(async () => {
    ;[old, fresh] = await Promise.all([
      TestDatabase.start({ source }),
      TestDatabase.start({ source }),
    ])
    await burnXids(old)
  })
  afterAll(() => Promise.all([old.close(), fresh.close()]))

  test('with lower xids: all is there, and what is written comes after it', async () => {
    const { store, schema } = await old.create({ schema: 'moved' })
    for (let i = 0; i < 50; i++) await store.append(`Order-${i % 5}`, [event('Old')])
    await store.snapshots.save({ streamId: 'Order-1', version: 3, state: { a: 1 } })
    const before = await store.readAll().toArray()
    await store.checkpoints.save('projection', before[30]!.position)

    await copy(old, fresh, schema)
    const restored = fresh.open(schema)
    await restored.migrate()
    // Everything is there, at the same positions, before anything was written.
    expect(await restored.readAll().toArray()).toEqual(before)
    const follower = new Follower(restored)
    follower.position = (await restored.checkpoints.load('projection'))!
    await follower.look()
    expect(follower.seen).toEqual(before.slice(31).map(({ id }) => id))

    // What is written now comes after, in every way of writing, also by two at once.
    const other = fresh.open(schema)
    await Promise.all([
      restored.append('Order-1', [event('New')], { expectedVersion: 10 }),
      other.append('Order-2', [event('New')], { expectedVersion: 10 }),
      other.append('Order-77', [event('New')], { expectedVersion: 0 }),
    ])
    await restored.transaction(({ append }) => append('Order-1', [event('New')]))
    const after = await restored.readAll().toArray()
    expect(after.slice(0, 50)).toEqual(before)
    expect(after.slice(50).every(({ type }) => type === 'New')).toBe(true)
    expect(after).toHaveLength(54)
    expect(await follower.missed()).toEqual(before.slice(0, 31).map(({ id }) => id))
    const { rows } = await fresh.admin.query(`select epoch from ${schema}.epochs order by 1`)
    expect(rows).toEqual([{ epoch: 1 }, { epoch: 2 }])
  })

  test('and written to first by a transaction', async () => {
    const { store, schema } = await old.create({ schema: 'first' })
    await store.append('Order-1', [event('Old')])
    await copy(old, fresh, schema)
    const restored = fresh.open(schema)
    await restored.transaction(({ append }) => append('Order-1', [event('New')]))
    expect((await restored.readAll().toArray()).map(({ type }) => type)).toEqual(['Old', 'New'])
  })

  test('mutant: without a new epoch, what is written then is out of order or never read', async () => {
    const { store, schema } = await old.create({ schema: 'mutant' })
    for (let i = 0; i < 10; i++) await store.append(`Order-${i}`, [event('Old')])
    await copy(old, fresh, schema)
    await fresh.alter(schema, 'frontier', 'e.epoch + 1', 'e.epoch')
    await fresh.alter(schema, 'append_one', 'if not epoch_valid', 'if false')
    const restored = fresh.open(schema)
    await restored.append('Order-99', [event('New')])
    const types = (await restored.readAll().toArray()).map(({ type }) => type)
    expect(types).not.toEqual([...Array(10).fill('Old'), 'New'])
  })
})
