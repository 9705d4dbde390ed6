import { startTcpProxy } from '@annals/test-servers'
import { afterAll, expect, test } from 'vitest'
import { type PostgresEventStore, postgresStore } from '../src/index.js'
import { TestDatabase } from './support/test-database.js'

// A firewall that forgets connections says nothing to either side. Whatever was sent over one gets no answer, and whoever
// waits for it for ever keeps a connection of the pool for ever: after a few of them nothing works any more.

const db = await TestDatabase.start()
afterAll(() => db.close())

async function behindProxy() {
  const { schema } = await db.create()
  const proxy = await startTcpProxy(db.url)
  db.onClose(() => proxy.close())
  const open = () => {
    const store = postgresStore({
      connectionString: proxy.url,
      schema,
      maxConnections: 2,
      attemptTimeoutMs: 200,
      prepare: false,
    })
    db.onClose(() => store.close())
    return store
  }
  return { proxy, open, direct: db.open(schema) }
}

type Call = readonly [
  name: string,
  call: (store: PostgresEventStore, n: number) => Promise<unknown>,
]

const position = 'pg1-00000001-0000000000000001-0000000000000001'
const calls: readonly Call[] = [
  ['append', (store, n) => store.append(`Order-${n}`, [{ type: 'Placed', data: n }])],
  ['readStream', (store) => store.readStream('Order-1').toArray()],
  ['readAll', (store) => store.readAll({ limit: 1 }).toArray()],
  ['streamVersion', (store) => store.streamVersion('Order-1')],
  ['headPosition', (store) => store.headPosition()],
  ['checkpoints.save', (store) => store.checkpoints.save('mailer', position)],
  ['checkpoints.load', (store) => store.checkpoints.load('mailer')],
  ['checkpoints.delete', (store) => store.checkpoints.delete('mailer')],
  [
    'snapshots.save',
    (store) => store.snapshots.save({ streamId: 'Order-1', version: 1, state: 1 }),
  ],
  ['snapshots.load', (store) => store.snapshots.load('Order-1')],
  ['snapshots.delete', (store) => store.snapshots.delete('Order-1')],
]

test.each(calls)('%s goes on over a new connection, and keeps none', async (_name, call) => {
  const { proxy, open } = await behindProxy()
  const store = open()
  await call(store, 0)
  // More often than the pool has connections.
  for (let n = 1; n <= 4; n++) {
    proxy.forget()
    await call(store, n)
  }
  proxy.forget()
  await store.close()
})

test('the check of the schema that got no answer is made again', async () => {
  const { proxy, open } = await behindProxy()
  const store = open()
  proxy.pause()
  const versions = Promise.all([1, 2, 3].map((n) => store.streamVersion(`Order-${n}`)))
  // Its connection is there, and what was sent over it stands still for good.
  while (proxy.connections.length === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  proxy.forget()
  proxy.resume()
  expect(await versions).toEqual([0, 0, 0])
  await store.close()
})

test('subscriptions end and go on where the connection that listens was forgotten while it was made', async () => {
  const { proxy, open, direct } = await behindProxy()
  for (let round = 0; round < 5; round++) {
    const store = open()
    const seen: number[] = []
    const ending = new AbortController()
    const subscription = store.subscribeToStream(`Order-${round}`, { signal: ending.signal })
    const following = (async () => {
      for await (const message of subscription)
        if (message.kind === 'event') seen.push(message.event.version)
    })().catch(() => {})
    await direct.append(`Order-${round}`, [{ type: 'Placed', data: 1 }])
    // At another moment of its beginning in each round.
    while (proxy.connections.length <= round % 3) await new Promise((r) => setTimeout(r, 1))
    proxy.forget()
    await direct.append(`Order-${round}`, [{ type: 'Shipped', data: 1 }])
    while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(seen).toEqual([1, 2])
    ending.abort()
    await following
    await store.close()
    proxy.forget()
  }
})
