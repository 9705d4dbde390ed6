import { type EventStore, openEventStore } from 'annals'
import { expect, test, vi } from 'vitest'
import { type Aggregate, change, load } from '../src/commands.js'
import { Trail } from '../src/trail.js'

type Counted = { type: 'Counted'; data: { by: number } }
const counted = (by: number): Counted => ({ type: 'Counted', data: { by } })
const counter: Aggregate<number, Counted> = {
  streamId: 'Counter-1',
  initial: 0,
  evolve: (sum, event) => sum + event.data.by,
}
const withSnapshots = { ...counter, snapshot: { every: 10, shape: 1 } }

/** The store, with some of it replaced. */
function altered(store: EventStore, change: Partial<EventStore>): EventStore {
  return new Proxy(store, {
    get: (target, name) => {
      const value = Reflect.get(name in change ? change : target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

test('what is decided is appended, and the state told', async () => {
  await using store = await openEventStore('memory:')
  const trail = new Trail()
  const result = await change(store, counter, trail, () => [counted(1), counted(2)])
  expect(result).toMatchObject({ state: 3, version: 2, changed: true })
  expect(trail).toMatchObject({ conflicts: 0, position: result.position })
  expect(await load(store, counter)).toMatchObject({ state: 3, version: 2 })
})

test('nothing decided, nothing written', async () => {
  await using store = await openEventStore('memory:')
  await store.append('Counter-1', [counted(4)])
  const trail = new Trail()
  const result = await change(store, counter, trail, () => [])
  expect(result).toMatchObject({ state: 4, version: 1, changed: false })
  expect(trail.position).toBe(await store.headPosition())
})

test('where another writer comes first, the decision is taken again on the new state', async () => {
  await using store = await openEventStore('memory:')
  let others = 3
  const contended = altered(store, {
    append: async (streamId, events, options) => {
      if (others-- > 0) await store.append(streamId, [counted(10)])
      return store.append(streamId, events, options)
    },
  })
  const seen: number[] = []
  const trail = new Trail()
  const result = await change(contended, counter, trail, ({ state }) => {
    seen.push(state)
    return state >= 30 ? [counted(-30)] : [counted(1)]
  })
  expect(seen).toEqual([0, 10, 20, 30])
  expect(result).toMatchObject({ state: 0, version: 4 })
  expect(trail.conflicts).toBe(3)
})

test('a conflict without end, and any other failure, is passed on', async () => {
  await using store = await openEventStore('memory:')
  let appends = 0
  const lost = altered(store, {
    append: async (streamId, events, options) => {
      appends++
      await store.append(streamId, [counted(1)])
      return store.append(streamId, events, options)
    },
  })
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const trail = new Trail()
  await expect(change(lost, counter, trail, () => [counted(1)])).rejects.toMatchObject({
    code: 'WRONG_EXPECTED_VERSION',
  })
  expect(appends).toBe(100)
  vi.restoreAllMocks()
  const broken = altered(store, { append: () => Promise.reject(new Error('broken')) })
  await expect(change(broken, counter, trail, () => [counted(1)])).rejects.toThrow('broken')
})

test('of a long stream only what is newer than the snapshot is read', async () => {
  await using store = await openEventStore('memory:')
  for (let count = 1; count <= 25; count++) {
    await change(store, withSnapshots, new Trail(), () => [counted(count)])
  }
  const snapshot = await store.snapshots.load('Counter-1')
  expect(snapshot).toMatchObject({ version: 20, state: { shape: 1, state: 210 } })
  const loaded = await load(store, withSnapshots)
  expect(loaded).toMatchObject({ state: 325, version: 25 })
  expect(loaded.events).toHaveLength(5)
})

test('one append that passes several marks makes one snapshot', async () => {
  await using store = await openEventStore('memory:')
  await change(store, withSnapshots, new Trail(), () =>
    Array.from({ length: 25 }, () => counted(1)),
  )
  expect(await store.snapshots.load('Counter-1')).toMatchObject({ version: 25 })
})

test('a snapshot of another shape is passed over', async () => {
  await using store = await openEventStore('memory:')
  await change(store, withSnapshots, new Trail(), () =>
    Array.from({ length: 10 }, () => counted(1)),
  )
  const newer = { ...withSnapshots, snapshot: { every: 10, shape: 2 } }
  const loaded = await load(store, newer)
  expect(loaded).toMatchObject({ state: 10, version: 10 })
  expect(loaded.events).toHaveLength(10)
})

test('a snapshot that cannot be kept does not fail the command', async () => {
  await using store = await openEventStore('memory:')
  const told = vi.spyOn(console, 'error').mockReturnValue()
  const full = altered(store, {
    snapshots: { ...store.snapshots, save: () => Promise.reject(new Error('full')) },
  })
  const events = Array.from({ length: 10 }, () => counted(1))
  expect(await change(full, withSnapshots, new Trail(), () => events)).toMatchObject({
    version: 10,
  })
  expect(told).toHaveBeenCalledOnce()
  told.mockRestore()
})
