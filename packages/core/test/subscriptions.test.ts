import { describe, expect, it } from 'vitest'
import {
  type AllMessage,
  createEventStore,
  MemoryDatabase,
  memoryStore,
  type StoreDriver,
} from '../src/index.js'
import { ClientError, driverWith } from './faulty-driver.js'

const event = (n: number) => ({ type: 'T', data: n })

/** Reads messages until `enough` says so. */
async function until<M>(messages: AsyncIterable<M>, enough: (all: M[]) => boolean): Promise<M[]> {
  const all: M[] = []
  for await (const message of messages) {
    all.push(message)
    if (enough(all)) return all
  }
  throw new Error('the subscription ended by itself')
}

const data = (messages: readonly AllMessage[]) =>
  messages.flatMap((m) => (m.kind === 'event' ? [m.event.data] : []))

describe('a subscription whose database fails', () => {
  it('comes back after the last event given, each event once', async () => {
    let failures = 0
    const database = new MemoryDatabase()
    const store = createEventStore(
      driverWith(
        (driver: StoreDriver) => ({
          polling: { min: 1, max: 5 },
          async *readAll(query) {
            if (failures++ % 3 === 1) throw new ClientError('refused')
            for await (const batch of driver.readAll(query)) {
              yield batch
              if (failures++ % 3 === 2) throw new ClientError('lost')
            }
          },
        }),
        database,
      ),
    )
    const total = 2000
    const reading = until(store.subscribeToAll(), (all) => data(all).length === total)
    for (let n = 0; n < total; n += 10) {
      await store.append(
        `A-${n % 7}`,
        Array.from({ length: 10 }, (_, i) => event(n + i)),
      )
    }
    expect(data(await reading)).toEqual(Array.from({ length: total }, (_, i) => i))
    expect(failures).toBeGreaterThan(4)
  })

  it('ends with the error where the failure is final', async () => {
    const store = createEventStore(
      driverWith(() => ({
        async *readAll() {
          throw new ClientError('final')
          // biome-ignore lint/correctness/noUnreachable: a generator needs its type
          yield { events: [], scannedTo: '', atHead: true }
        },
      })),
    )
    await expect(until(store.subscribeToAll(), () => false)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
  })

  it('opens a native subscription again when it ends without a word', async () => {
    const opened: (string | null)[] = []
    const store = createEventStore(
      driverWith((driver) => ({
        async *tailAll(query) {
          opened.push(query.after)
          yield* driver.readAll({ ...query, limit: 2 })
        },
      })),
    )
    await store.append('A-1', [event(1), event(2), event(3), event(4), event(5)])
    const messages = await until(store.subscribeToAll(), (all) => data(all).length === 5)
    expect(data(messages)).toEqual([1, 2, 3, 4, 5])
    expect(opened).toEqual([null, 'mem1-0000000000000002', 'mem1-0000000000000004'])
  })
})

describe('hints', () => {
  it('come from this process’s own appends where the driver gives none', async () => {
    // A pause of an hour: only a hint can bring the second event.
    const hour = 3_600_000
    const store = createEventStore(
      driverWith((driver) => {
        const { watch: _, ...rest } = driver
        return { ...rest, watch: undefined, polling: { min: hour, max: hour } } as never
      }),
    )
    const messages = store.subscribeToAll()[Symbol.asyncIterator]()
    expect((await messages.next()).value).toMatchObject({ kind: 'caughtUp' })
    const second = messages.next()
    await store.append('A-1', [event(1)])
    expect((await second).value).toMatchObject({ kind: 'event' })
    await store.close()
  })

  it('are watched for only while somebody subscribes, and the watch is let go of', async () => {
    let open = 0
    const store = createEventStore(
      driverWith((driver) => ({
        async watch(onNews) {
          open++
          const release = await driver.watch!(onNews, () => {})
          return async () => {
            open--
            await release()
          }
        },
      })),
    )
    await store.append('A-1', [event(1)])
    expect(open).toBe(0)
    await until(store.subscribeToAll(), (all) => all.length === 2)
    expect(open).toBe(0)
    const live = store.subscribeToAll()[Symbol.asyncIterator]()
    await live.next()
    expect(open).toBe(1)
    const second = store.subscribeToStream('A-1')[Symbol.asyncIterator]()
    await second.next()
    expect(open).toBe(1)
    await store.close()
    expect(open).toBe(0)
    await expect(live.next()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('does without a watch that fails or is lost', async () => {
    let asked = 0
    const database = new MemoryDatabase()
    const store = createEventStore(
      driverWith(
        () => ({
          polling: { min: 1, max: 2 },
          async watch(_onNews, onLost) {
            if (asked++ === 0) throw new ClientError('refused')
            onLost(new ClientError('lost'))
            return () => {}
          },
        }),
        database,
      ),
    )
    const reading = until(store.subscribeToAll(), (all) => data(all).length === 1)
    await memoryStore({ database }).append('A-1', [event(1)])
    expect(data(await reading)).toEqual([1])
    expect(asked).toBeGreaterThan(0)
    await store.close()
  })
})

describe('messages', () => {
  it('say caughtUp at each arrival at the head, and progress where the filter lets nothing through', async () => {
    const store = memoryStore()
    for (let n = 0; n < 1200; n++) await store.append('Noise-1', [event(n)])
    await store.append('A-1', [event(1)])
    const messages = store.subscribeToAll({ filter: { categories: ['A'] } })[Symbol.asyncIterator]()
    const next = async () => (await messages.next()).value as AllMessage
    expect(await next()).toMatchObject({ kind: 'progress' })
    expect(await next()).toMatchObject({ kind: 'progress' })
    expect(await next()).toMatchObject({ kind: 'event' })
    expect(await next()).toMatchObject({ kind: 'caughtUp' })
    const { position } = await store.append('Noise-1', [event(0)])
    expect(await next()).toEqual({ kind: 'progress', position })
    await store.append('A-1', [event(2)])
    expect(await next()).toMatchObject({ kind: 'event' })
    expect(await next()).toMatchObject({ kind: 'caughtUp' })
    await messages.return?.()
    await store.close()
  })

  it('start after the end, or after a version', async () => {
    const store = memoryStore()
    await store.append('A-1', [event(1), event(2), event(3)])
    const ended = store.subscribeToAll({ after: 'end' })[Symbol.asyncIterator]()
    expect((await ended.next()).value).toMatchObject({ kind: 'caughtUp' })
    const stream = await until(
      store.subscribeToStream('A-1', { afterVersion: 1 }),
      (all) => all.length === 3,
    )
    expect(stream.map((m) => (m.kind === 'event' ? m.event.version : m))).toEqual([
      2,
      3,
      { kind: 'caughtUp', version: 3 },
    ])
    await store.append('A-1', [event(4)])
    expect((await ended.next()).value).toMatchObject({ kind: 'event', event: { data: 4 } })
    await store.close()
  })
})

describe('a subscription that cannot begin', () => {
  it('fails once, and holds nothing that close() would wait for', async () => {
    const store = memoryStore()
    const all = store.subscribeToAll({ after: 'nowhere' })[Symbol.asyncIterator]()
    await expect(all.next()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(await all.next()).toEqual({ done: true, value: undefined })
    const stream = store.subscribeToStream('A-1', { afterVersion: -1 })[Symbol.asyncIterator]()
    await expect(stream.next()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await store.close()
    await expect(store.subscribeToAll()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'CLOSED',
    })
  })
})
