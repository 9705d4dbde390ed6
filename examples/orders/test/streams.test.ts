import { type EventStore, openEventStore } from 'annals'
import { expect, test, vi } from 'vitest'
import { type Aggregate, Streams } from '../src/streams.js'
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
  const result = await new Streams(store).change(counter, trail, () => [counted(1), counted(2)])
  expect(result).toMatchObject({ state: 3, version: 2, changed: true })
  expect(trail).toMatchObject({ conflicts: 0, position: result.position })
  expect(await new Streams(store).load(counter)).toMatchObject({ state: 3, version: 2 })
})

test('nothing decided, nothing written', async () => {
  await using store = await openEventStore('memory:')
  await store.append('Counter-1', [counted(4)])
  const trail = new Trail()
  const result = await new Streams(store).change(counter, trail, () => [])
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
  const result = await new Streams(contended).change(counter, trail, ({ state }) => {
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
  await expect(new Streams(lost).change(counter, trail, () => [counted(1)])).rejects.toMatchObject({
    code: 'WRONG_EXPECTED_VERSION',
  })
  expect(appends).toBe(100)
  vi.restoreAllMocks()
  const broken = altered(store, { append: () => Promise.reject(new Error('broken')) })
  await expect(new Streams(broken).change(counter, trail, () => [counted(1)])).rejects.toThrow(
    'broken',
  )
})

test('of a long stream only what is newer than the snapshot is read', async () => {
  await using store = await openEventStore('memory:')
  for (let count = 1; count <= 25; count++) {
    await new Streams(store).change(withSnapshots, new Trail(), () => [counted(count)])
  }
  const snapshot = await store.snapshots.load('Counter-1')
  expect(snapshot).toMatchObject({ version: 20, state: { shape: 1, state: 210 } })
  const loaded = await new Streams(store).load(withSnapshots)
  expect(loaded).toMatchObject({ state: 325, version: 25 })
  expect(loaded.events).toHaveLength(5)
})

test('one append that passes several marks makes one snapshot', async () => {
  await using store = await openEventStore('memory:')
  await new Streams(store).change(withSnapshots, new Trail(), () =>
    Array.from({ length: 25 }, () => counted(1)),
  )
  expect(await store.snapshots.load('Counter-1')).toMatchObject({ version: 25 })
})

test('a snapshot of another shape is passed over', async () => {
  await using store = await openEventStore('memory:')
  await new Streams(store).change(withSnapshots, new Trail(), () =>
    Array.from({ length: 10 }, () => counted(1)),
  )
  const newer = { ...withSnapshots, snapshot: { every: 10, shape: 2 } }
  const loaded = await new Streams(store).load(newer)
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
  expect(await new Streams(full).change(withSnapshots, new Trail(), () => events)).toMatchObject({
    version: 10,
  })
  expect(told).toHaveBeenCalledOnce()
  told.mockRestore()
})

test('what is in memory spares the reading, and where it is old the decision is taken again', async () => {
  await using store = await openEventStore('memory:')
  let reads = 0
  const counting = altered(store, {
    readStream: (...args: Parameters<EventStore['readStream']>) => {
      reads++
      return store.readStream(...args) as never
    },
  })
  const [mine, theirs] = [new Streams(counting), new Streams(store)]
  for (let count = 1; count <= 5; count++) {
    await mine.change(withSnapshots, new Trail(), () => [counted(1)])
  }
  expect(reads).toBe(1)
  await theirs.change(withSnapshots, new Trail(), () => [counted(10)])
  const seen: number[] = []
  const trail = new Trail()
  await mine.change(withSnapshots, trail, ({ state }) => {
    seen.push(state)
    return [counted(1)]
  })
  expect(seen).toEqual([5, 15])
  expect(trail.conflicts).toBe(1)
  expect(reads).toBe(2)
})

test('nothing is refused, and nothing is left undone, on an old state', async () => {
  await using store = await openEventStore('memory:')
  const [mine, theirs] = [new Streams(store), new Streams(store)]
  await mine.change(withSnapshots, new Trail(), () => [counted(1)])
  const take = ({ state }: { state: number }) => {
    if (state < 5) throw new Error(`only ${state}`)
    return [counted(-5)]
  }
  await expect(mine.change(withSnapshots, new Trail(), take)).rejects.toThrow('only 1')
  await theirs.change(withSnapshots, new Trail(), () => [counted(9)])
  expect(await mine.change(withSnapshots, new Trail(), take)).toMatchObject({ state: 5 })
  await theirs.change(withSnapshots, new Trail(), () => [counted(1)])
  const idle = await mine.change(withSnapshots, new Trail(), () => [])
  expect(idle).toMatchObject({ state: 6, version: 4, changed: false })
})

test('of many changes at once in one process each takes effect once', async () => {
  await using store = await openEventStore('memory:')
  const streams = new Streams(store)
  const trail = new Trail()
  await Promise.all(
    Array.from({ length: 30 }, () => streams.change(withSnapshots, trail, () => [counted(1)])),
  )
  expect(await streams.load(withSnapshots)).toMatchObject({ state: 30, version: 30 })
  expect(trail.conflicts).toBeGreaterThan(0)
})
