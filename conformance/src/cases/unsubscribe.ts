import type { EventStore } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, fails, ok } from '../check.js'
import type { MessageLike } from '../collect.js'
import { drafts, times, writeOthers } from '../fixtures.js'
import { settledMeanwhile } from '../gates.js'

const kinds: readonly [
  name: string,
  subscribe: (store: EventStore, signal?: AbortSignal) => AsyncIterable<MessageLike>,
][] = [
  ['subscribeToAll', (store, signal) => store.subscribeToAll({ signal })],
  ['subscribeToAll after end', (store, signal) => store.subscribeToAll({ after: 'end', signal })],
  [
    'subscribeToAll with a filter',
    (store, signal) => store.subscribeToAll({ filter: { types: ['Absent'] }, signal }),
  ],
  ['subscribeToStream', (store, signal) => store.subscribeToStream('Order-1', { signal })],
]

export const unsubscribeCases: readonly ConformanceCase[] = [
  {
    id: 'SUB-6/return',
    rule: 'SUB-6',
    title: 'leaving the iteration ends it at once, also while the next message is awaited',
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2))
      for (const [name, subscribe] of kinds) {
        const idle = subscribe(t.store)[Symbol.asyncIterator]()
        const result = await t.waitFor(`${name}: return before next`, returned(idle))
        ok(result.done === true, `${name}: return() before next()`, 'done', result)

        const iterator = subscribe(t.store)[Symbol.asyncIterator]()
        for (;;) {
          const message = await t.waitFor(`${name}: the head`, iterator.next())
          if (!message.done && message.value.kind === 'caughtUp') break
        }
        let pending = iterator.next()
        // A store may say once more where it stands: what is meant is a next() that has nothing to give.
        for (let i = 0; i < 5 && (await settledMeanwhile(pending, 10)); i++) {
          const { value } = (await pending) as { value?: MessageLike }
          ok(value?.kind !== 'event', `${name}: a message behind the head`, 'no event', value)
          pending = iterator.next()
        }
        pending.catch(() => {})
        const ended = await t.waitFor(
          `${name}: return() while next() is pending`,
          returned(iterator),
        )
        ok(ended.done === true, `${name}: return() while next() is pending`, 'done', ended)
        const last = await t.waitFor(`${name}: the pending next()`, pending)
        ok(last.done === true, `${name}: next() that was pending at return()`, 'done', last)
        const after = await t.waitFor(`${name}: next() after return()`, iterator.next())
        ok(after.done === true, `${name}: next() after return()`, 'done', after)
      }
    },
  },
  {
    id: 'SUB-6/break',
    rule: 'SUB-6',
    title:
      'break and throw in the consumer’s loop end the subscription; the error is the consumer’s',
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2))
      for (const [name, subscribe] of kinds) {
        await t.waitFor(
          `${name}: break`,
          (async () => {
            for await (const _ of subscribe(t.store)) break
          })(),
        )
        const mine = new RangeError('the consumer failed')
        const thrown = await t.waitFor(
          `${name}: throw`,
          (async () => {
            try {
              for await (const _ of subscribe(t.store)) throw mine
            } catch (error) {
              return error
            }
            return undefined
          })(),
        )
        ok(thrown === mine, `${name}: what a consumer that throws gets`, 'its own error', thrown)
      }
    },
  },
  {
    id: 'SUB-6/abort',
    rule: 'SUB-6',
    title:
      'the signal ends a subscription with ABORTED, before, between and while a message is awaited',
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2))
      for (const [name, subscribe] of kinds) {
        await t.waitFor(
          `${name}: an aborted signal`,
          fails(
            async () => subscribe(t.store, AbortSignal.abort())[Symbol.asyncIterator]().next(),
            'ABORTED',
            `${name} with an aborted signal`,
          ),
        )
        const between = new AbortController()
        await t.waitFor(
          `${name}: abort between messages`,
          fails(
            async () => {
              for await (const _ of subscribe(t.store, between.signal)) between.abort()
            },
            'ABORTED',
            `${name} aborted between messages`,
          ),
        )
        const waiting = new AbortController()
        const collector = t.collect(name, subscribe(t.store, waiting.signal))
        await t.collected(`${name}: the head`, collector, (c) => c.count('caughtUp') > 0)
        waiting.abort(new Error('enough'))
        await t.waitFor(`${name}: the end after abort`, collector.finished())
        await fails(
          Promise.reject(collector.ended?.error),
          'ABORTED',
          `${name} aborted while a message was awaited`,
        )
      }
    },
  },
  {
    id: 'SUB-6/close',
    rule: 'SUB-6',
    title:
      'close() ends subscriptions with CLOSED, also while a message is awaited, and does not hang',
    async run(t) {
      await writeOthers(t.store)
      const store = await t.another()
      await store.append('Order-1', drafts(2))
      const collectors = kinds.map(([name, subscribe]) => t.collect(name, subscribe(store)))
      for (const collector of collectors)
        await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
      // One whose consumer has stopped in the middle: close() must not wait for it.
      const paused = store.subscribeToAll()[Symbol.asyncIterator]()
      await paused.next()
      const own = t.collect('of the other handle', t.store.subscribeToAll())
      await t.waitFor('close() with subscriptions open', store.close())
      for (const [i, collector] of collectors.entries()) {
        await t.waitFor(`${kinds[i]?.[0]}: the end after close()`, collector.finished())
        await fails(
          Promise.reject(collector.ended?.error),
          'CLOSED',
          `${kinds[i]?.[0]} ended by close()`,
        )
      }
      await t.waitFor(
        'the paused subscription to end',
        fails(
          async () => {
            // What had already arrived may still be given.
            for (let i = 0; i < 100; i++) if ((await paused.next()).done) return
          },
          'CLOSED',
          'a paused subscription after close()',
        ),
      )
      await t.store.append('Order-1', drafts(1))
      await t.collected('an event through the other handle', own, (c) => c.events.length >= 8)
    },
  },
  {
    id: 'SUB-6/neighbours',
    rule: 'SUB-6',
    title: 'ending one subscription leaves its neighbours on the same handle alone',
    async run(t) {
      await writeOthers(t.store)
      const kept = t.collect('that is kept', t.store.subscribeToAll())
      const keptStream = t.collect('that is kept', t.store.subscribeToStream('Order-1'))
      const controller = new AbortController()
      const aborted = t.collect(
        'that is aborted',
        t.store.subscribeToAll({ signal: controller.signal }),
      )
      const left = t.collect('that is left', t.store.subscribeToStream('Order-1'))
      for (const collector of [kept, aborted])
        await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
      await t.collected('the head', left, (c) => c.count('caughtUp') > 0)
      controller.abort()
      await t.waitFor('the aborted one to end', aborted.finished())
      await t.waitFor('the one that is left to end', left.stop())
      for (let i = 0; i < 3; i++) await t.store.append('Order-1', drafts(2))
      await t.collected('the events after that', kept, (c) => c.events.length >= 11)
      await t.collected('the events after that', keptStream, (c) => c.events.length >= 6)
      equal(aborted.events.length, 5, 'events of the subscription that was aborted before')
      equal(left.events.length, 0, 'events of the subscription that was left before')
    },
  },
  {
    id: 'SUB-6/many',
    rule: 'SUB-6',
    title: 'a hundred subscriptions, opened and left, hold nothing back',
    async run(t) {
      await writeOthers(t.store)
      for (let round = 0; round < 5; round++)
        await t.waitFor(
          'twenty subscriptions to be opened and left',
          Promise.all(
            times(20, async (i) => {
              const [, subscribe] = kinds[i % kinds.length] ?? kinds[0] ?? []
              if (!subscribe) return
              for await (const _ of subscribe(t.store)) break
            }),
          ),
        )
      await t.waitFor('an append afterwards', t.store.append('Order-1', drafts(1)))
      await t.waitFor('close() afterwards', t.store.close())
    },
  },
  {
    id: 'SUB-6/no-more-requests',
    rule: 'SUB-6',
    title: 'a subscription that has ended asks the database for nothing more',
    hooks: ['requestCount'],
    async run(t) {
      await writeOthers(t.store)
      const requests = t.hook('requestCount')
      const other = await t.another()
      for (const [name, subscribe] of kinds) {
        const collector = t.collect(name, subscribe(t.store))
        await t.collected(`${name}: the head`, collector, (c) => c.count('caughtUp') > 0)
        await t.waitFor(`${name}: its end`, collector.stop())
      }
      const before = await requests()
      // What would wake a subscription: other handles' events.
      for (let i = 0; i < 20; i++) await other.append('Order-1', drafts(1))
      await other.readAll().toArray()
      const after = await requests()
      ok(
        after - before <= 1,
        'requests of a handle whose subscriptions have all ended, while another handle wrote 20 events',
        'none (one, where it was under way)',
        after - before,
      )
    },
  },
]

async function returned<T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T>> {
  if (!iterator.return) throw new TypeError('the iterator has no return()')
  return iterator.return()
}
