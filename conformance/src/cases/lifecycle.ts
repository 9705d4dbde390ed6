import type { EventStore } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, fails, ok, sameEvents, settle } from '../check.js'
import { draft, drafts, idsOf, times, writeOthers } from '../fixtures.js'

export const lifecycleCases: readonly ConformanceCase[] = [
  {
    id: 'LIFE-1/nothing-before-the-first-call',
    rule: 'LIFE-1',
    title: 'readers and subscriptions send nothing before they are iterated',
    hooks: ['requestCount'],
    async run(t) {
      const requests = t.hook('requestCount')
      const before = await requests()
      const { store } = t
      const idle = [
        store.readAll(),
        store.readAll().batches(),
        store.readStream('Order-1'),
        store.readStream('Order-1').batches(),
        store.subscribeToAll(),
        store.subscribeToStream('Order-1'),
      ]
      idle.push(store.readAll({ filter: { types: ['OrderPlaced'] } }))
      // Another handle's work gives anything that was started the time to show.
      const other = await t.another()
      for (let i = 0; i < 5; i++) await other.append('Order-1', drafts(1))
      equal((await requests()) - before, 0, `requests of ${idle.length} readers never iterated`)
    },
  },
  {
    id: 'LIFE-1/closing-unused',
    rule: 'LIFE-1',
    title: 'a handle that was never used closes at once',
    async run(t) {
      const unused = await t.another()
      await t.waitFor('an unused handle to close', unused.close())
      await using disposed = await t.another()
      await disposed.append('Order-1', drafts(1))
    },
  },
  {
    id: 'LIFE-1/close-twice',
    rule: 'LIFE-1',
    title: 'close() is safe to call twice, one after the other and at once',
    async run(t) {
      await writeOthers(t.store)
      const store = await t.another()
      await store.append('Order-1', drafts(1))
      await t.waitFor('three calls of close() at once', Promise.all(times(3, () => store.close())))
      await t.waitFor('a later close()', store.close())
      const disposed = await t.another()
      await disposed.append('Order-1', drafts(1))
      await t.waitFor('Symbol.asyncDispose', disposed[Symbol.asyncDispose]())
      await fails(disposed.streamVersion('Order-1'), 'CLOSED', 'a call after Symbol.asyncDispose')
      await t.waitFor('close() after Symbol.asyncDispose', disposed.close())
    },
  },
  {
    id: 'LIFE-1/closed',
    rule: 'LIFE-1',
    title: 'every call after close() fails with CLOSED and writes nothing',
    async run(t) {
      const before = await writeOthers(t.store)
      const store = await t.another()
      const position = (await store.headPosition()) ?? ''
      const reader = store.readAll()
      const subscription = store.subscribeToAll()
      await t.waitFor('close()', store.close())
      const first = (source: AsyncIterable<unknown>) => source[Symbol.asyncIterator]().next()
      const calls: Record<string, () => unknown> = {
        append: () => store.append('Order-1', drafts(1)),
        readStream: () => store.readStream('Neighbour-1').toArray(),
        'readStream().batches': () => first(store.readStream('Neighbour-1').batches()),
        readAll: () => store.readAll().toArray(),
        'a reader made before': () => reader.toArray(),
        subscribeToAll: () => first(store.subscribeToAll()),
        'a subscription made before': () => first(subscription),
        subscribeToStream: () => first(store.subscribeToStream('Neighbour-1')),
        streamVersion: () => store.streamVersion('Neighbour-1'),
        headPosition: () => store.headPosition(),
        migrate: () => store.migrate(),
        'checkpoints.load': () => store.checkpoints.load('orders'),
        'checkpoints.save': () => store.checkpoints.save('orders', position),
        'checkpoints.delete': () => store.checkpoints.delete('orders'),
        'snapshots.load': () => store.snapshots.load('Neighbour-1'),
        'snapshots.save': () =>
          store.snapshots.save({ streamId: 'Neighbour-1', version: 1, state: 1 }),
        'snapshots.delete': () => store.snapshots.delete('Neighbour-1'),
      }
      if (t.store.capabilities.multiStreamAppend)
        calls.appendToStreams = () =>
          store.appendToStreams([{ streamId: 'Order-1', events: drafts(1) }])
      for (const [name, call] of Object.entries(calls))
        await t.waitFor(
          `${name} after close()`,
          fails(async () => call(), 'CLOSED', name),
        )
      sameEvents(await t.store.readAll().toArray(), before, 'all events after the refused calls')
    },
  },
  {
    id: 'LIFE-1/close-waits-for-a-held-append',
    rule: 'LIFE-1',
    title: 'close() waits for an append in flight, which then ends as it must',
    hooks: ['heldWriter'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const writer = await t.hook('heldWriter')()
      const hold = writer.hold()
      const events = drafts(2)
      const pending = settle(writer.store.append('Order-1', events, { expectedVersion: 0 }))
      await t.waitFor('the held append to stand before its commit', hold.arrived)
      const order: string[] = []
      pending.then(() => order.push('append'))
      const closing = t.background(writer.store.close().then(() => order.push('close')))
      const late = await settle(writer.store.append('Order-1', drafts(1)))
      if (!late.ok) await fails(Promise.reject(late.error), 'CLOSED', 'an append after close()')
      else equal(late.value, 'a refusal', 'an append after close()')
      await t.waitFor('the release of the held append', hold.release())
      const outcome = await t.waitFor('the held append to end', pending)
      await t.waitFor('close()', closing)
      equal(order, ['append', 'close'], 'what ended first')
      const stream = await t.store.readStream('Order-1').toArray()
      if (outcome.ok) {
        equal(outcome.value.version, 2, 'the version that the append was told')
        equal(idsOf(stream), idsOf(events), 'the stream after close()')
      } else {
        const error = await fails(
          Promise.reject(outcome.error),
          ['CLOSED', 'UNKNOWN_OUTCOME', 'UNAVAILABLE'],
          'an append in flight at close()',
        )
        const code: string = error.code
        if (code !== 'UNKNOWN_OUTCOME') equal(stream, [], `the stream after ${code}`)
      }
    },
  },
  {
    id: 'LIFE-1/close-with-many-in-flight',
    rule: 'LIFE-1',
    title:
      'appends that close() overtakes are written and acknowledged, or refused and not written',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const store = await t.another()
      const appends = times(40, (i) => ({ id: `Order-${i % 8}`, events: drafts(2) }))
      const outcomes = appends.map(({ id, events }) => settle(store.append(id, events)))
      await t.waitFor('close() with forty appends in flight', store.close())
      const written = new Set(idsOf(await t.store.readAll().toArray()))
      for (const [i, outcome] of (await Promise.all(outcomes)).entries()) {
        const there = (appends[i]?.events ?? []).filter((e) => written.has(e.id)).length
        if (outcome.ok) equal(there, 2, `events of append ${i}, which was acknowledged`)
        else {
          const error = await fails(
            Promise.reject(outcome.error),
            ['CLOSED', 'UNKNOWN_OUTCOME'],
            `append ${i}, overtaken by close()`,
          )
          const code: string = error.code
          if (code === 'CLOSED') equal(there, 0, `events of append ${i}, refused with CLOSED`)
          else ok(there !== 1, `events of append ${i}`, 'all or none', there)
        }
      }
      // Nothing comes later either.
      equal(new Set(idsOf(await t.store.readAll().toArray())), written, 'events a little later')
    },
  },
  {
    id: 'LIFE-1/close-ends-reads',
    rule: 'LIFE-1',
    title:
      'close() ends reads that are under way with CLOSED and does not wait for their consumers',
    async run(t) {
      await writeOthers(t.store)
      const store = await t.another()
      for (let i = 0; i < 4; i++) await store.append('Order-1', drafts(400))
      const reads = [store.readStream('Order-1'), store.readAll()].map((reader) =>
        reader[Symbol.asyncIterator](),
      )
      for (const read of reads) await read.next()
      await t.waitFor('close() with two reads under way', store.close())
      for (const read of reads)
        await t.waitFor(
          'a read to end',
          fails(
            async () => {
              // A page that has arrived may still be given.
              while (!(await read.next()).done);
            },
            'CLOSED',
            'a read that close() has ended',
          ),
        )
    },
  },
  {
    id: 'LIFE-1/handles-are-apart',
    rule: 'LIFE-1',
    title: 'closing one handle leaves the others, and the data, as they are',
    async run(t) {
      await writeOthers(t.store)
      const handles = [await t.another(), await t.another(), await t.another()]
      for (const [i, handle] of handles.entries()) await use(handle, `Order-${i}`)
      await t.waitFor('one handle to close', handles[0]?.close() ?? Promise.resolve())
      await use(handles[1] ?? t.store, 'Order-1')
      await t.waitFor('the first handle to close', t.store.close())
      await use(handles[2] ?? t.store, 'Order-2')
      const again = await t.another()
      equal((await again.readAll().toArray()).length, 10, 'events through a handle opened last')
    },
  },
  {
    id: 'LIFE-1/migrate',
    rule: 'LIFE-1',
    title: 'migrate() is safe to call again, at once from two handles, and keeps the data',
    concurrent: true,
    async run(t) {
      const before = await writeOthers(t.store)
      const other = await t.another()
      await t.waitFor(
        'migrate() from two handles at once',
        Promise.all([t.store.migrate(), other.migrate(), t.store.migrate()]),
      )
      await t.waitFor('migrate() once more', t.store.migrate())
      sameEvents(await other.readAll().toArray(), before, 'all events after migrate()')
      const { version } = await other.append('Neighbour-1', [draft()], { expectedVersion: 3 })
      equal(version, 4, 'the version after migrate()')
    },
  },
]

async function use(store: EventStore, streamId: string): Promise<void> {
  await store.append(streamId, drafts(1))
  await store.readStream(streamId).toArray()
  await store.headPosition()
}
