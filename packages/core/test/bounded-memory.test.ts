import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { createEventStore, pages, type StoredEvent } from '../src/index.js'
import { driverWith } from './faulty-driver.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const pageSize = 100
const pageCount = 400

/** A database of many pages, which knows which of those that it gave are still held by somebody. */
function watched() {
  const given: WeakRef<readonly StoredEvent[]>[] = []
  const fetch = (first: number) => {
    const events = Array.from({ length: pageSize }, (_, i): StoredEvent => {
      const version = first + i + 1
      return {
        id: `00000000-0000-4000-8000-${String(version).padStart(12, '0')}`,
        streamId: 'A-1',
        version,
        position: `m1:${String(version).padStart(16, '0')}`,
        type: 'T',
        data: '{}',
        metadata: '{}',
        recordedAt: new Date(0),
      }
    })
    given.push(new WeakRef(events))
    const last = first + pageSize
    return { events, last, next: last === pageSize * pageCount ? null : last }
  }
  const driver = driverWith(() => ({
    readStream: ({ signal }) =>
      pages(signal, async (cursor: number | null) => {
        await setImmediate()
        const { events, next } = fetch(cursor ?? 0)
        return { page: events, next }
      }),
    readAll: ({ signal }) =>
      pages(signal, async (cursor: number | null) => {
        await setImmediate()
        const { events, next } = fetch(cursor ?? 0)
        const scannedTo = events.at(-1)!.position
        return { page: { events, scannedTo, atHead: next === null }, next }
      }),
  }))
  const held = async () => {
    // What a WeakRef has shown is kept until the turn ends.
    await setImmediate()
    collectGarbage()
    return given.filter((page) => page.deref() !== undefined).length
  }
  return { store: createEventStore(driver), held }
}

describe('a reader that has read hundreds of pages', () => {
  it.each([
    ['readAll', 'item by item'],
    ['readAll', 'in batches'],
    ['readStream', 'item by item'],
    ['subscribeToAll', 'item by item'],
    ['subscribeToStream', 'item by item'],
  ] as const)('holds the page ahead, and none of those before (%s, %s)', async (call, how) => {
    const { store, held } = watched()
    const reader = {
      readAll: () => (how === 'in batches' ? store.readAll().batches() : store.readAll()),
      readStream: () => store.readStream('A-1'),
      subscribeToAll: () => store.subscribeToAll(),
      subscribeToStream: () => store.subscribeToStream('A-1'),
    }[call]()
    let read = 0
    const counts: number[] = []
    for await (const item of reader as AsyncIterable<unknown>) {
      const before = Math.floor(read / pageSize)
      read += Array.isArray(item) ? item.length : 1
      const page = Math.floor(read / pageSize)
      if (page !== before && page % 20 === 0) counts.push(await held())
      if (page >= pageCount - 10) break
    }
    // What was read ahead. The page in hand was decoded as a whole, into events of its own. Most of the counts, because
    // V8 now and then keeps an object a little longer, while it optimises a function.
    counts.sort((a, b) => a - b)
    expect(counts[counts.length >> 1], `pages held: ${counts}`).toBe(1)
    await store.close()
  })
})
