import { type EventStore, type NewEvent, newEventId, type RecordedEvent } from '@annals/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Follower } from './support/follower.js'
import { TestDatabase } from './support/test-database.js'

let db: TestDatabase
beforeAll(async () => {
  db = await TestDatabase.start({ durable: true })
})
afterAll(() => db.close())

const draft = (type: string): NewEvent => ({ type, data: { type }, id: newEventId() })
const drafts = (count: number, type: string) => Array.from({ length: count }, () => draft(type))

/** What must be true of an order, whatever produced it. */
function expectSound(events: readonly RecordedEvent[]): void {
  const versions = new Map<string, number>()
  let before = ''
  for (const event of events) {
    expect(event.position > before).toBe(true)
    before = event.position
    expect(event.version).toBe((versions.get(event.streamId) ?? 0) + 1)
    versions.set(event.streamId, event.version)
  }
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
}

/** 16 writers through four handles: streams of their own, one stream for all, several streams at once, transactions. */
async function write(stores: readonly EventStore[], perWriter: number, acknowledged: string[]) {
  const writer = async (n: number) => {
    const store = stores[n % stores.length]!
    for (let i = 0; i < perWriter; ) {
      const kind = (n + i) % 4
      const events = drafts(kind === 3 ? 20 : 5, `T${n % 3}`)
      i += events.length
      if (kind === 0) {
        const [first, ...rest] = events
        await store.appendToStreams([
          { streamId: `Pair-${n % 5}`, events: [first!] },
          { streamId: `Pair-${(n % 5) + 1}`, events: rest },
        ])
      } else if (kind === 1) {
        await store.append('Shared-1', events)
      } else {
        await store.append(`Own-${n}`, events)
      }
      for (const { id } of events) acknowledged.push(id!)
    }
  }
  await Promise.all(Array.from({ length: 16 }, (_, n) => writer(n)))
}

test('16 writers, readers and subscriptions: nothing late, lost or twice', async () => {
  const { store, schema } = await db.create()
  await write([store], 20, [])
  const already = (await store.readAll().toArray()).map(({ id }) => id)
  const acknowledged: string[] = [...already]

  const stop = new AbortController()
  const followers = [0, 1].map(() => new Follower(db.open(schema)))
  let writing = true
  const following = followers.map(async (follower) => {
    while (writing) await follower.look()
    await follower.look()
  })
  const subscribed: string[][] = [[], []]
  const wanted = already.length + 16 * 1300
  const subscribing = subscribed.map(async (ids) => {
    for await (const message of db.open(schema).subscribeToAll({ signal: stop.signal })) {
      if (message.kind === 'event') ids.push(message.event.id)
      if (!writing && message.kind === 'caughtUp' && ids.length >= wanted) return
    }
  })
  const stores = [1, 2, 3, 4].map(() => db.open(schema))
  await write(stores, 1300, acknowledged)
  writing = false
  await Promise.all(following)
  // Something new, so that a subscription that has caught up already says so once more.
  await store.append('Last-1', [draft('Last')])
  await Promise.all(subscribing)
  stop.abort()

  const all = await store.readAll().toArray()
  expectSound(all)
  const order = all.map(({ id }) => id)
  expect(order.length).toBeGreaterThan(20_000)
  expect(order.slice(0, -1).toSorted()).toEqual(acknowledged.toSorted())
  for (const { seen } of followers) expect(seen).toEqual(order.slice(0, seen.length))
  for (const { seen } of followers) expect(seen.length).toBeGreaterThanOrEqual(order.length - 1)
  for (const ids of subscribed) expect(ids).toEqual(order.slice(0, ids.length))
})

test('connections that are ended and a server that is killed, under load: what was acknowledged is there, once', async () => {
  const { store, schema } = await db.create()
  const acknowledged: string[] = []
  const follower = new Follower(db.open(schema, { retryBudgetMs: 30_000 }))
  let writing = true
  const following = (async () => {
    while (writing) await follower.look()
  })()
  const stores = [1, 2, 3, 4].map(() => db.open(schema, { retryBudgetMs: 30_000 }))
  const done = write(stores, 400, acknowledged)
  const atLeast = async (count: number) => {
    while (acknowledged.length < count) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await atLeast(800)
  await db.server.terminateConnections()
  await atLeast(1600)
  await db.server.kill()
  await db.server.restart()
  await atLeast(2400)
  await db.server.terminateConnections()
  await done
  writing = false
  await following
  const all = await store.readAll().toArray()
  expectSound(all)
  expect(all.map(({ id }) => id).toSorted()).toEqual(acknowledged.toSorted())
  expect(await follower.missed()).toEqual([])
  expect(follower.seen).toEqual(all.map(({ id }) => id))
})

test('a stream that a transaction holds does not hold up the others', async () => {
  const { store, schema } = await db.create()
  let finish = () => {}
  const gate = new Promise<void>((resolve) => {
    finish = resolve
  })
  let holds = () => {}
  const held = new Promise<void>((resolve) => {
    holds = resolve
  })
  const transaction = db.open(schema).transaction(async ({ append }) => {
    await append('Held-1', [draft('Held')])
    holds()
    await gate
  })
  await held
  const waiting = store.append('Held-1', [draft('Waiting')])
  const free = Array.from({ length: 10 }, (_, i) => store.append(`Free-${i}`, [draft('Free')]))
  expect((await Promise.all(free)).map(({ version }) => version)).toEqual(Array(10).fill(1))
  finish()
  await transaction
  expect((await waiting).version).toBe(2)
})

test('one refused append of a batch leaves the others alone', async () => {
  const { store } = await db.create()
  await store.append('Order-1', drafts(3, 'Placed'))
  const known = draft('Known')
  await store.append('Order-2', [known])
  const outcomes = await Promise.allSettled([
    store.append('Order-1', drafts(1, 'A'), { expectedVersion: 3 }),
    store.append('Order-1', drafts(1, 'B'), { expectedVersion: 3 }),
    store.append('Order-1', drafts(2, 'C')),
    store.append('Order-2', [known], { expectedVersion: 0 }),
    store.append('Order-2', [draft('D'), known]),
    store.append('Order-3', drafts(1, 'E'), { expectedVersion: 'exists' }),
    store.append('Order-3', drafts(1, 'F'), { expectedVersion: 0 }),
    store.append('Order-3', drafts(1, 'G'), { expectedVersion: 'exists' }),
  ])
  expect(
    outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value.version : outcome.reason.code,
    ),
  ).toEqual([
    4,
    'WRONG_EXPECTED_VERSION',
    6,
    1,
    'DUPLICATE_EVENT_ID',
    'WRONG_EXPECTED_VERSION',
    1,
    2,
  ])
  expectSound(await store.readAll().toArray())
  expect(await store.readAll().toArray()).toHaveLength(9)
})
