import { describe, expect, it } from 'vitest'
import { createEventStore, MemoryDatabase, memoryStore, type StoreDriver } from '../src/index.js'
import { ClientError, driverWith } from './faulty-driver.js'

async function seeded(events: number): Promise<MemoryDatabase> {
  const database = new MemoryDatabase()
  const store = memoryStore({ database })
  await store.append('Other-1', [{ type: 'X', data: 0 }])
  for (let from = 0; from < events; from += 500) {
    const count = Math.min(500, events - from)
    await store.append(
      'A-1',
      Array.from({ length: count }, (_, i) => ({ type: 'T', data: from + i + 1 })),
    )
  }
  return database
}

/** A read that breaks off after its first batch, once for each place where it starts. */
function breaking<Q extends { signal: AbortSignal }, B>(read: (query: Q) => AsyncIterable<B>) {
  let breaks = 3
  return async function* (query: Q) {
    for await (const batch of read(query)) {
      yield batch
      if (breaks-- > 0) throw new ClientError('lost')
    }
  }
}

const breakingDriver = (database: MemoryDatabase) =>
  driverWith(
    (driver: StoreDriver) => ({
      readStream: breaking(driver.readStream),
      readAll: breaking(driver.readAll),
    }),
    database,
  )

describe('a read that is cut in the middle', () => {
  it.each([
    ['forwards', 1700, undefined],
    ['backwards', 1700, undefined],
    ['forwards', 1200, 1200],
    ['backwards', 700, 700],
  ] as const)(
    'goes on behind the last event given (%s, %d of a stream)',
    async (direction, count, limit) => {
      const store = createEventStore(breakingDriver(await seeded(1700)))
      const events = await store.readStream('A-1', { direction, limit }).toArray()
      const first = direction === 'forwards' ? 1 : 1700
      const step = direction === 'forwards' ? 1 : -1
      expect(events.map((e) => e.version)).toEqual(
        Array.from({ length: count }, (_, i) => first + i * step),
      )
    },
  )

  it.each(['forwards', 'backwards'] as const)('the same of all (%s)', async (direction) => {
    const database = await seeded(1700)
    const store = createEventStore(breakingDriver(database))
    const positions = (await store.readAll({ direction }).toArray()).map((e) => e.position)
    const expected = database.events.map((e) => e.position)
    expect(positions).toEqual(direction === 'forwards' ? expected : expected.reverse())
  })
})

describe('ending a read', () => {
  it('aborts the driver when the consumer stops, and says nothing', async () => {
    const aborted: boolean[] = []
    const database = await seeded(1700)
    const store = createEventStore(
      driverWith(
        (driver) => ({
          async *readAll(query) {
            try {
              yield* driver.readAll(query)
            } finally {
              aborted.push(query.signal.aborted)
            }
          },
        }),
        database,
      ),
    )
    for await (const event of store.readAll()) if (event.version === 3) break
    expect(aborted).toEqual([true])
    await store.close()
  })

  it('rejects a pending next() with ABORTED and lets close() finish, though the driver never answers', async () => {
    let reached: () => void
    const reading = new Promise<void>((resolve) => {
      reached = resolve
    })
    const store = createEventStore(
      driverWith(() => ({
        async *readAll({ signal }) {
          reached()
          await new Promise((_, reject) => signal.addEventListener('abort', reject))
          yield { events: [], scannedTo: 'mem1-0000000000000000', atHead: true }
        },
      })),
    )
    const controller = new AbortController()
    const iterator = store.readAll({ signal: controller.signal })[Symbol.asyncIterator]()
    const pending = iterator.next()
    await reading
    controller.abort(new Error('enough'))
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED', cause: new Error('enough') })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    await store.close()
  })

  it('stops giving what was read ahead once it is aborted or closed', async () => {
    const database = await seeded(100)
    const controller = new AbortController()
    const store = memoryStore({ database })
    const aborted = store.readAll({ signal: controller.signal })[Symbol.asyncIterator]()
    await aborted.next()
    controller.abort()
    await expect(aborted.next()).rejects.toMatchObject({ code: 'ABORTED' })
    const closed = store.readAll()[Symbol.asyncIterator]()
    await closed.next()
    await store.close()
    await expect(closed.next()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('answers overlapping next() calls in order', async () => {
    const store = memoryStore({ database: await seeded(1100) })
    const iterator = store.readStream('A-1')[Symbol.asyncIterator]()
    const results = await Promise.all(Array.from({ length: 1102 }, () => iterator.next()))
    expect(results.slice(0, 1100).map((r) => !r.done && r.value.version)).toEqual(
      Array.from({ length: 1100 }, (_, i) => i + 1),
    )
    expect(results.slice(1100).every((r) => r.done)).toBe(true)
  })
})

describe('what is stored but unreadable', () => {
  it('is CORRUPT, with the stream and the version', async () => {
    const database = await seeded(3)
    const store = createEventStore(
      driverWith(
        (driver) => ({
          async *readStream(query) {
            for await (const batch of driver.readStream(query)) {
              yield batch.map((e) => (e.version === 2 ? { ...e, data: '{"cut' } : e))
            }
          },
          loadSnapshot: async () => ({ version: 2, state: '{"cut' }),
        }),
        database,
      ),
    )
    await expect(store.readStream('A-1').toArray()).rejects.toThrow(
      /CORRUPT|Event 2 of stream "A-1"/,
    )
    expect(await store.snapshots.load('A-1')).toBeNull()
  })
})

describe('a read whose server falls silent', () => {
  it('is tried again behind the last event given', async () => {
    const database = await seeded(1700)
    let silent = 2
    const store = createEventStore(
      driverWith(
        (driver) => ({
          async *readStream(query) {
            for await (const batch of driver.readStream(query)) {
              yield batch
              if (silent-- > 0) await new Promise(() => {})
            }
          },
        }),
        database,
      ),
      { attemptTimeoutMs: 20 },
    )
    const versions = (await store.readStream('A-1').toArray()).map((e) => e.version)
    expect(versions).toEqual(Array.from({ length: 1700 }, (_, i) => i + 1))
    await store.close()
  })
})
