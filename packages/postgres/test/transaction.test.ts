import { isEventStoreError } from '@annals/core'
import { startTcpProxy } from '@annals/test-servers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresStore } from '../src/index.js'
import { Follower } from './support/follower.js'
import { TestDatabase } from './support/test-database.js'

let db: TestDatabase
beforeAll(async () => {
  db = await TestDatabase.start()
  await db.admin.query('create table public.orders (id text primary key, total integer)')
})
afterAll(() => db.close())

const placed = (total = 1) => ({ type: 'OrderPlaced', data: { total } })
const insert = 'insert into public.orders values ($1, $2)'
const orders = async (id: string) =>
  (await db.admin.query('select total from public.orders where id = $1', [id])).rows

test('events and the caller’s own rows commit together', async () => {
  const { store } = await db.create()
  const result = await store.transaction(async ({ client, append }) => {
    await client.query(insert, ['a', 5])
    return append('Order-a', [placed(5)], { expectedVersion: 0 })
  })
  expect(result.version).toBe(1)
  expect(await store.headPosition()).toBe(result.position)
  expect(await orders('a')).toEqual([{ total: 5 }])
})

test('neither is there when the work fails, and the error is the caller’s own', async () => {
  const { store } = await db.create()
  const failure = new Error('no')
  const work = store.transaction(async ({ client, append }) => {
    await client.query(insert, ['b', 5])
    await append('Order-b', [placed()])
    throw failure
  })
  await expect(work).rejects.toBe(failure)
  expect(await orders('b')).toEqual([])
  expect(await store.streamVersion('Order-b')).toBe(0)
})

test('an error of the caller’s own statement reaches the caller as the client gave it', async () => {
  const { store } = await db.create()
  await db.admin.query(insert, ['twice', 1])
  const work = store.transaction(({ client }) => client.query(insert, ['twice', 2]))
  await expect(work).rejects.toMatchObject({ code: '23505' })
})

test('a conflict of transactions that the work hides in an error of its own is run again all the same', async () => {
  const { store, schema } = await db.create()
  let runs = 0
  await store.transaction(async ({ append }) => {
    runs++
    await append(`Early-${runs}`, [placed()])
    if (runs === 1) await db.open(schema).append('Order-h', [placed()])
    await append('Order-h', [placed()]).catch((cause) => {
      throw new Error('mine', { cause })
    })
  })
  expect(runs).toBe(2)
  expect(await store.streamVersion('Order-h')).toBe(2)
})

test('a refused append leaves the transaction usable', async () => {
  const { store } = await db.create()
  await store.append('Order-c', [placed()])
  const version = await store.transaction(async ({ append, appendToStreams }) => {
    await expect(append('Order-c', [placed()], { expectedVersion: 0 })).rejects.toSatisfy((error) =>
      isEventStoreError(error, 'WRONG_EXPECTED_VERSION'),
    )
    await expect(
      appendToStreams([
        { streamId: 'Order-d', events: [placed()] },
        { streamId: 'Order-c', events: [placed()], expectedVersion: 7 },
      ]),
    ).rejects.toSatisfy((error) => isEventStoreError(error, 'WRONG_EXPECTED_VERSION'))
    return (await append('Order-c', [placed()], { expectedVersion: 1 })).version
  })
  expect(version).toBe(2)
  expect(await store.streamVersion('Order-d')).toBe(0)
})

test('a repeated append inside a transaction writes nothing', async () => {
  const { store } = await db.create()
  const events = [{ ...placed(), id: '0190b5d0-0000-7000-8000-0000000000aa' }]
  const first = await store.append('Order-e', events, { expectedVersion: 0 })
  const again = await store.transaction(({ append }) =>
    append('Order-e', events, { expectedVersion: 0 }),
  )
  expect(again).toEqual(first)
})

test('a transaction that PostgreSQL gives up as a deadlock is run again', async () => {
  const { store, schema } = await db.create()
  const other = db.open(schema)
  let bothStarted = () => {}
  const start = new Promise<void>((resolve) => {
    bothStarted = resolve
  })
  let started = 0
  const crossing = (of: typeof store, first: string, second: string) =>
    of.transaction(async ({ append }) => {
      await append(first, [placed()])
      if (++started === 2) bothStarted()
      await start
      await append(second, [placed()])
    })
  await Promise.all([crossing(store, 'X-1', 'X-2'), crossing(other, 'X-2', 'X-1')])
  expect(await store.streamVersion('X-1')).toBe(2)
  expect(await store.streamVersion('X-2')).toBe(2)
  expect(started).toBeGreaterThan(2)
})

test('readers pass a transaction that is open for long without losing anything', async () => {
  const { store, schema } = await db.create()
  const follower = new Follower(db.open(schema))
  const writers = [1, 2, 3].map((i) => {
    let finish = () => {}
    const gate = new Promise<void>((resolve) => {
      finish = resolve
    })
    let wrote = () => {}
    const written = new Promise<void>((resolve) => {
      wrote = resolve
    })
    const done = db.open(schema).transaction(async ({ append }) => {
      await append(`Held-${i}`, [placed(), placed()])
      wrote()
      await gate
      await append(`Held-${i}`, [placed()])
    })
    return { written, finish, done }
  })
  await Promise.all(writers.map(({ written }) => written))
  for (const { finish, done } of writers.reverse()) {
    for (let i = 0; i < 10; i++) await store.append(`Free-${i}`, [placed()])
    await follower.look()
    finish()
    await done
    await follower.look()
  }
  expect(await follower.missed()).toEqual([])
  expect(follower.seen).toHaveLength(39)
})

test('joins a transaction that has not written, and wakes subscriptions when told', async () => {
  const { store } = await db.create()
  const client = await db.client()
  await client.query('begin')
  await client.query('select 1')
  const joined = await store.join(client)
  await client.query(insert, ['j', 1])
  const { version } = await joined.append('Order-j', [placed()], { expectedVersion: 0 })
  expect(version).toBe(1)
  expect(await store.streamVersion('Order-j')).toBe(0)
  await client.query('commit')
  joined.committed()
  expect(await store.streamVersion('Order-j')).toBe(1)
})

test('refuses a transaction that has written before it joined, and says what to do', async () => {
  const { store } = await db.create()
  const client = await db.client()
  await client.query('begin')
  await client.query(insert, ['late', 1])
  const error = await store.join(client).catch((reason: unknown) => reason)
  expect(isEventStoreError(error, 'INVALID_ARGUMENT')).toBe(true)
  expect((error as Error).message).toMatch(/right after BEGIN/)
  await client.query('rollback')
})

test('what is refused would have come late', async () => {
  const { store, schema } = await db.create()
  await db.alter(schema, 'enter', /if pg_current_xact_id_if_assigned[\s\S]*?end if;/, '')
  await store.append('Warm-1', [placed()])
  const follower = new Follower(db.open(schema))
  const client = await db.client()
  await client.query('begin')
  await client.query(insert, ['late', 1])
  await store.append('Fast-1', [placed()])
  await follower.look()
  const joined = await store.join(client)
  await joined.append('Late-1', [placed()])
  await client.query('commit')
  expect(await follower.missed()).toHaveLength(1)
})

test('a join that was rolled back to a savepoint is no join any more', async () => {
  const { store } = await db.create()
  const client = await db.client()
  await client.query('begin; savepoint before')
  const joined = await store.join(client)
  await client.query('rollback to savepoint before')
  const error = await joined.append('Order-s', [placed()]).catch((reason: unknown) => reason)
  expect(isEventStoreError(error, 'INVALID_ARGUMENT')).toBe(true)
  await client.query('rollback')
})

test('refuses to append after the transaction has ended, or where there was none', async () => {
  const { store } = await db.create()
  const client = await db.client()
  await client.query('begin')
  const joined = await store.join(client)
  await client.query('commit')
  const none = await store.join(client)
  for (const appends of [joined, none]) {
    const error = await appends.append('Order-n', [placed()]).catch((reason: unknown) => reason)
    expect(isEventStoreError(error, 'INVALID_ARGUMENT')).toBe(true)
  }
  expect(await store.streamVersion('Order-n')).toBe(0)
})

test('a connection lost while committing is UNKNOWN_OUTCOME, and the same work again appends once', async () => {
  const { schema } = await db.create()
  const proxy = await startTcpProxy(db.url)
  db.onClose(() => proxy.close())
  const store = postgresStore({ connectionString: proxy.url, schema, listen: false })
  db.onClose(() => store.close())
  const events = [{ ...placed(), id: '0190b5d0-0000-7000-8000-0000000000bb' }]
  let cut = proxy.cutWhen('down', (chunk) => chunk.includes('COMMIT\0'))
  const work = () =>
    store.transaction(({ append }) => append('Order-u', events, { expectedVersion: 0 }))
  const error = await work().catch((reason: unknown) => reason)
  expect(cut.hasStruck).toBe(true)
  expect(isEventStoreError(error, 'UNKNOWN_OUTCOME')).toBe(true)
  cut = proxy.cutWhen('down', () => false)
  expect((await work()).version).toBe(1)
  expect(await store.streamVersion('Order-u')).toBe(1)
})

test('the server ends a transaction whose process does nothing, so readers wait for a bounded time', async () => {
  const { schema } = await db.create()
  const impatient = db.open(schema, { transactionIdleTimeoutMs: 100 })
  const error = await impatient
    .transaction(async ({ append, client }) => {
      await append('Hung-1', [placed()])
      // Ends when the server ends the connection.
      await new Promise((resolve) =>
        (client as unknown as NodeJS.EventEmitter).once('error', resolve),
      )
    })
    .catch((reason: unknown) => reason)
  expect(isEventStoreError(error, 'UNAVAILABLE')).toBe(true)
  const store = db.open(schema)
  const { position } = await store.append('Next-1', [placed()])
  expect(await store.headPosition()).toBe(position)
  expect(await store.streamVersion('Hung-1')).toBe(0)
})
