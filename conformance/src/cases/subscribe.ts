import type { AllMessage, EventStore, Position, RecordedEvent, StreamMessage } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { ascending, equal, fails, gapless, ok, sameEvents, sameOrder } from '../check.js'
import { draft, drafts, fill, idsOf, times, writeOthers } from '../fixtures.js'

export const subscribeCases: readonly ConformanceCase[] = [
  {
    id: 'SUB-1/past-and-present',
    rule: 'SUB-1',
    title: 'a subscription gives the past, then what comes, each event once and in order',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 20, { chunk: 6 })
      const other = await t.another()
      const collector = t.collect('of all', other.subscribeToAll())
      await t.collected('the past', collector, (c) => c.count('caughtUp') > 0)
      sameEvents(collector.events, await t.store.readAll().toArray(), 'the past, before caughtUp')
      for (let i = 0; i < 10; i++) await t.store.append(`Order-${i % 3}`, drafts(1 + (i % 2)))
      const all = await t.store.readAll().toArray()
      await t.collected('the present', collector, (c) => c.reached(all))
      sameEvents(collector.events, all, 'past and present')
    },
  },
  {
    id: 'SUB-1/across-the-switch',
    rule: 'SUB-1',
    title:
      'writers that run across the switch from past to present lose nothing and repeat nothing',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Past-1', 300)
      const other = await t.another()
      const started = t.gate('the writers to have begun')
      const writing = t.background(
        Promise.all(
          times(3, async (i) => {
            const store = i % 2 === 0 ? t.store : other
            for (let n = 0; n < 30; n++) {
              await store.append(`Present-${i}`, drafts(1 + (n % 4)))
              if (n === 1) started.open()
            }
          }),
        ),
      )
      await t.waitFor(started.name, Promise.race([started.opened, writing]))
      const collectors = times(3, (i) =>
        t.collect(
          `number ${i}`,
          i === 0
            ? t.store.subscribeToAll()
            : other.subscribeToAll(i === 1 ? {} : { filter: { categories: ['Present'] } }),
        ),
      )
      await t.waitFor('the writers', writing)
      const all = await t.store.readAll().toArray()
      for (const [i, collector] of collectors.entries()) {
        const want = i === 2 ? all.filter((e) => e.streamId.startsWith('Present-')) : all
        await t.collected(`${want.length} events`, collector, (c) => c.reached(want))
        sameEvents(collector.events, want, `subscription ${i} across the switch`)
      }
    },
  },
  {
    id: 'SUB-1/starts',
    rule: 'SUB-1',
    title: "'start', 'end' and a position each begin where they say",
    async run(t) {
      await writeOthers(t.store)
      const before = await t.store.readAll().toArray()
      const starts = ['start', 'end', before[1]?.position ?? ''] as const
      const collectors = starts.map((after) =>
        t.collect(`after ${after}`, t.store.subscribeToAll({ after })),
      )
      for (const collector of collectors)
        await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
      await t.store.append('Order-1', drafts(3))
      const all = await t.store.readAll().toArray()
      for (const [i, from] of [0, 5, 2].entries()) {
        const collector = collectors[i]
        if (!collector) continue
        const want = all.slice(from)
        await t.collected(`${want.length} events`, collector, (c) => c.reached(want))
        sameEvents(collector.events, want, `a subscription after ${starts[i]}`)
      }
    },
  },
  {
    id: 'SUB-1/stream',
    rule: 'SUB-1',
    title: 'a subscription to a stream gives its past and present and nothing of other streams',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 12, { chunk: 5 })
      const starts = [undefined, 0, 1, 5, 12, 'end'] as const
      const collectors = starts.map((afterVersion) =>
        t.collect(
          `after version ${afterVersion}`,
          t.store.subscribeToStream('Order-1', { afterVersion }),
        ),
      )
      for (const collector of collectors)
        await t.collected('the end', collector, (c) => c.count('caughtUp') > 0)
      const other = await t.another()
      for (let i = 0; i < 6; i++) {
        await other.append('Order-1', drafts(2))
        await other.append('Order-10', drafts(1))
      }
      const stream = await t.store.readStream('Order-1').toArray()
      for (const [i, from] of [0, 0, 1, 5, 12, 12].entries()) {
        const collector = collectors[i]
        if (!collector) continue
        const want = stream.slice(from)
        await t.collected(`${want.length} events`, collector, (c) => c.reached(want))
        sameEvents(collector.events, want, `subscribed after version ${starts[i]}`)
      }
    },
  },
  {
    id: 'SUB-1/stream-not-yet-written',
    rule: 'SUB-1',
    title: 'a stream may be subscribed to before it is written',
    async run(t) {
      await writeOthers(t.store)
      const collectors = [
        t.collect('from the start', t.store.subscribeToStream('Order-1')),
        t.collect("from 'end'", t.store.subscribeToStream('Order-1', { afterVersion: 'end' })),
      ]
      for (const collector of collectors) {
        await t.collected('the end of an empty stream', collector, (c) => c.messages.length > 0)
        equal(
          collector.messages[0],
          { kind: 'caughtUp', version: 0 },
          'the first message of a stream that was never written',
        )
      }
      await t.store.append('Order-1', drafts(3))
      const stream = await t.store.readStream('Order-1').toArray()
      for (const collector of collectors) {
        await t.collected('three events', collector, (c) => c.events.length >= 3)
        sameEvents(collector.events, stream, 'the events of the new stream')
      }
    },
  },
  {
    id: 'SUB-1/stream-across-the-switch',
    rule: 'SUB-1',
    title: 'writers of a stream that run across the switch lose nothing and repeat nothing',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 200)
      const other = await t.another()
      const started = t.gate('the writers to have begun')
      const writing = t.background(
        Promise.all(
          times(3, async (i) => {
            for (let n = 0; n < 20; n++) {
              await (i === 0 ? t.store : other).append('Order-1', drafts(1 + (n % 3)))
              if (n === 1) started.open()
            }
          }),
        ),
      )
      await t.waitFor(started.name, Promise.race([started.opened, writing]))
      const collector = t.collect('of the stream', other.subscribeToStream('Order-1'))
      await t.waitFor('the writers', writing)
      const stream = await t.store.readStream('Order-1').toArray()
      await t.collected('every event', collector, (c) => c.reached(stream))
      sameEvents(collector.events, stream, 'the stream across the switch')
      gapless(collector.events, 'the stream across the switch')
    },
  },
  {
    id: 'SUB-2/caught-up',
    rule: 'SUB-2',
    title: 'caughtUp comes when the head is reached, not before, and again after more events',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 50)
      const collector = t.collect('of all', t.store.subscribeToAll())
      await t.collected('the first caughtUp', collector, (c) => c.count('caughtUp') > 0)
      const first = collector.messages.findIndex((m) => m.kind === 'caughtUp')
      equal(first, 55, 'how many events came before the first caughtUp')
      for (let round = 1; round <= 3; round++) {
        const before = collector.count('caughtUp')
        const { position } = await t.store.append('Order-2', drafts(2))
        await t.collected(`caughtUp after append ${round}`, collector, (c) => {
          const last = c.messages.at(-1)
          return (
            c.count('caughtUp') > before && last?.kind === 'caughtUp' && last.position >= position
          )
        })
        equal(collector.events.length, 55 + round * 2, 'events before caughtUp came again')
      }
      ordered(collector.messages)
    },
  },
  {
    id: 'SUB-2/caught-up-from-the-end',
    rule: 'SUB-2',
    title:
      "caughtUp comes also where there is no past: 'end', the head's position, a filter without matches",
    async run(t) {
      await writeOthers(t.store)
      const head = (await t.store.headPosition()) ?? ''
      for (const options of [
        { after: 'end' as const },
        { after: head },
        { filter: { categories: ['Nothing'] } },
        { after: 'end' as const, filter: { categories: ['Nothing'] } },
      ]) {
        const name = JSON.stringify(options)
        const collector = t.collect(name, t.store.subscribeToAll(options))
        await t.collected(`caughtUp of ${name}`, collector, (c) => c.count('caughtUp') > 0)
        const caughtUp = collector.messages.find((m) => m.kind === 'caughtUp')
        const position = caughtUp?.kind === 'caughtUp' ? caughtUp.position : ''
        ok(position >= head, `the position of caughtUp with ${name}`, `at least ${head}`, position)
        equal(collector.events.length, 0, `events with ${name}`)
      }
    },
  },
  {
    id: 'SUB-2/stream',
    rule: 'SUB-2',
    title: 'caughtUp of a stream carries its version, each time the end is reached',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 7, { chunk: 3 })
      const collector = t.collect('of the stream', t.store.subscribeToStream('Order-1'))
      const reached = (version: number) =>
        t.collected(`caughtUp at version ${version}`, collector, (c) => {
          const last = c.messages.at(-1)
          return last?.kind === 'caughtUp' && last.version === version
        })
      await reached(7)
      equal(
        collector.messages.findIndex((m) => m.kind === 'caughtUp'),
        7,
        'how many events came before the first caughtUp',
      )
      await t.store.append('Order-1', drafts(2))
      await reached(9)
      await t.store.append('Order-1', drafts(1))
      await reached(10)
      sameOrder(
        collector.ids,
        idsOf(await t.store.readStream('Order-1').toArray()),
        'the events of the stream',
      )
      const end = t.collect(
        'from its end',
        t.store.subscribeToStream('Order-1', { afterVersion: 'end' }),
      )
      await t.collected('caughtUp at the end', end, (c) => c.messages.length > 0)
      equal(end.messages[0], { kind: 'caughtUp', version: 10 }, "the first message from 'end'")
    },
  },
  {
    id: 'SUB-2/progress',
    rule: 'SUB-2',
    title: 'positions advance while a filter lets nothing through, so that a checkpoint can follow',
    async run(t) {
      await writeOthers(t.store)
      const { results } = await fill(t.store, 'Noise-1', 300)
      const collector = t.collect(
        'of a filter that lets nothing through',
        t.store.subscribeToAll({ filter: { types: ['Absent'] } }),
      )
      const passed = (position: Position) =>
        t.collected(`a position at or above ${position}`, collector, (c) => {
          const last = c.messages.at(-1)
          return last !== undefined && last.kind !== 'event' && last.position >= position
        })
      await passed(results.at(-1)?.position ?? '')
      for (let round = 0; round < 3; round++)
        await passed((await t.store.append('Noise-2', drafts(40))).position)
      equal(collector.events.length, 0, 'events through a filter that lets nothing through')
      ordered(collector.messages)
      const last = collector.messages.at(-1)
      const resumed = t.collect(
        'resumed from progress',
        t.store.subscribeToAll({ after: last?.kind === 'event' ? '' : (last?.position ?? '') }),
      )
      const next = draft()
      await t.store.append('Order-1', [next])
      await t.collected('the next event', resumed, (c) => c.events.length > 0)
      equal(resumed.ids, [next.id], 'what comes after the last position of progress')
    },
  },
  {
    id: 'SUB-3/slow-consumer',
    rule: 'SUB-3',
    title: 'a consumer that stops while thousands of events are written goes on and gets them all',
    level: 'full',
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      const subscriptions: AsyncIterator<AllMessage | StreamMessage>[] = [
        other.subscribeToAll()[Symbol.asyncIterator](),
        other.subscribeToStream('Order-1')[Symbol.asyncIterator](),
      ]
      t.atEnd(() => Promise.all(subscriptions.map((s) => s.return?.())))
      await fill(t.store, 'Order-1', 5, { chunk: 1 })
      const got: RecordedEvent[][] = subscriptions.map(() => [])
      const take = async (i: number): Promise<void> => {
        const next = await t.waitFor('the next message', subscriptions[i]?.next() ?? never())
        if (next.done) throw new TypeError('the subscription ended by itself')
        if (next.value.kind === 'event') got[i]?.push(next.value.event)
      }
      for (const i of [0, 1]) while ((got[i]?.length ?? 0) < 4) await take(i)
      await fill(t.store, 'Order-1', 3500, { from: 5, chunk: 500 })
      await fill(t.store, 'Order-2', 20, { chunk: 1 })
      const all = await t.store.readAll().toArray()
      const wants = [all, all.filter((e) => e.streamId === 'Order-1')]
      for (const [i, want] of wants.entries()) {
        while ((got[i]?.length ?? 0) < want.length) await take(i)
        sameEvents(got[i] ?? [], want, 'what a consumer got that had stopped in the middle')
      }
      // And it is alive: what comes now comes too.
      const event = draft()
      await t.store.append('Order-1', [event])
      for (const [i, want] of wants.entries()) {
        while ((got[i]?.length ?? 0) <= want.length) await take(i)
        equal(got[i]?.at(-1)?.id, event.id, 'the event after the consumer has caught up')
      }
    },
  },
  {
    id: 'SUB-3/one-by-one',
    rule: 'SUB-3',
    title:
      'a consumer that does work between messages, longer than the writers need, loses nothing',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const got: string[] = []
      const wanted = 5 + 120
      const consuming = t.background(
        (async () => {
          for await (const message of t.store.subscribeToAll()) {
            if (message.kind !== 'event') continue
            got.push(message.event.id)
            if (got.length === wanted) break
            // The consumer's own work: a call of the same store.
            if (got.length % 5 === 0) await t.store.streamVersion('Order-1')
          }
        })(),
      )
      for (let i = 0; i < 60; i++) await t.store.append(`Order-${i % 2}`, drafts(2))
      await t.waitFor('the consumer to get all the events', consuming)
      sameOrder(got, idsOf(await t.store.readAll().toArray()), 'what the consumer got')
    },
  },
  {
    id: 'SUB-4/outage',
    rule: 'SUB-4',
    title: 'after an outage a subscription goes on behind the last event given',
    hooks: ['fragileHandle'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 10)
      const fragile = await t.hook('fragileHandle')()
      const all = t.collect('of all', fragile.store.subscribeToAll())
      const stream = t.collect('of a stream', fragile.store.subscribeToStream('Order-1'))
      const filtered = t.collect(
        'with a filter',
        fragile.store.subscribeToAll({ filter: { categories: ['Order'] } }),
      )
      for (const collector of [all, stream, filtered])
        await t.collected('the past', collector as typeof all, (c) => c.count('caughtUp') > 0)
      for (let round = 0; round < 2; round++) {
        await t.waitFor('the outage', fragile.outage())
        await t.store.append('Order-1', drafts(3, 'during the outage'))
        await t.store.append('Else-1', drafts(2, 'during the outage'))
        await t.waitFor('the recovery', fragile.recover())
        await t.store.append('Order-1', drafts(2, 'after the outage'))
        const want = await t.store.readAll().toArray()
        const orders = want.filter((e) => e.streamId === 'Order-1')
        for (const [collector, events] of [
          [all, want],
          [stream, orders],
          [filtered, orders],
        ] as const) {
          await t.collected('every event after the outage', collector as typeof all, (c) =>
            c.reached(events),
          )
          sameEvents(collector.events, events, `after outage ${round + 1}`)
        }
      }
    },
  },
  {
    id: 'SUB-4/outage-in-the-past',
    rule: 'SUB-4',
    title: 'an outage in the middle of the past loses nothing and repeats nothing',
    hooks: ['fragileHandle'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 1500, { chunk: 500 })
      const want = await t.store.readAll().toArray()
      const fragile = await t.hook('fragileHandle')()
      const got: RecordedEvent[] = []
      const iterator = fragile.store.subscribeToAll()[Symbol.asyncIterator]()
      t.atEnd(() => iterator.return?.())
      while (got.length < want.length) {
        if (got.length === 3 || got.length === 1100) {
          await t.waitFor('the outage', fragile.outage())
          await t.waitFor('the recovery', fragile.recover())
        }
        const next = await t.waitFor('the next message', iterator.next())
        if (next.done) throw new TypeError('the subscription ended by itself')
        if (next.value.kind === 'event') got.push(next.value.event)
      }
      sameEvents(got, want, 'the past across two outages')
    },
  },
  {
    id: 'SUB-4/restart',
    rule: 'SUB-4',
    title: 'after the server was killed and started a subscription goes on',
    hooks: ['restartServer'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const all = t.collect('of all', t.store.subscribeToAll())
      const stream = t.collect('of a stream', t.store.subscribeToStream('Order-1'))
      await t.collected('the past', all, (c) => c.count('caughtUp') > 0)
      await t.collected('the past', stream, (c) => c.count('caughtUp') > 0)
      await t.store.append('Order-1', drafts(2))
      await t.waitFor('the server to be killed and started', t.hook('restartServer')())
      await t.store.append('Order-1', drafts(2))
      const want = await t.store.readAll().toArray()
      await t.collected('every event', all, (c) => c.reached(want))
      await t.collected('the stream', stream, (c) => c.events.length >= 4)
      sameEvents(all.events, want, 'all events across the restart')
      sameEvents(stream.events, want.slice(5), 'the stream across the restart')
    },
  },
  {
    id: 'SUB-4/final-failure',
    rule: 'SUB-4',
    title: 'a failure that is final ends the iteration with its error',
    hooks: ['openUnmigrated'],
    async run(t) {
      const store = await t.hook('openUnmigrated')()
      await t.waitFor(
        'a subscription without tables to end',
        fails(consume(store, 'all'), 'SCHEMA_MISSING', 'subscribeToAll without tables'),
      )
      await t.waitFor(
        'a stream subscription without tables to end',
        fails(consume(store, 'stream'), 'SCHEMA_MISSING', 'subscribeToStream without tables'),
      )
    },
  },
  {
    id: 'SUB-4/bad-start',
    rule: 'SUB-4',
    title: 'a start that cannot be is an error, not a silent subscription',
    async run(t) {
      await writeOthers(t.store)
      for (const afterVersion of [-1, 1.5, Number.NaN, '1', 'start'])
        await fails(
          async () => {
            const options = { afterVersion: afterVersion as number }
            for await (const _ of t.store.subscribeToStream('Order-1', options)) break
          },
          'INVALID_ARGUMENT',
          `subscribeToStream after version ${afterVersion}`,
        )
      await fails(
        async () => {
          for await (const _ of t.store.subscribeToStream('')) break
        },
        'INVALID_ARGUMENT',
        'subscribeToStream of an empty stream id',
      )
    },
  },
  {
    id: 'SUB-5/every-position',
    rule: 'SUB-5',
    title: 'resumed from each position that it gave, a subscription goes on with the next event',
    async run(t) {
      const subscribe = (store: EventStore, after?: Position) =>
        store.subscribeToAll({ after, filter: { categories: ['Order'] } })
      const collector = t.collect('to be resumed', subscribe(t.store))
      let written = 0
      for (let round = 0; round < 5; round++) {
        await t.store.append('Noise-1', drafts(3))
        await t.store.append('Order-1', drafts(2))
        written += 2
        if (round % 2 === 0) await t.store.append('Noise-2', drafts(2))
        await t.collected(`caughtUp in round ${round}`, collector, (c) => {
          return c.events.length === written && c.messages.at(-1)?.kind !== 'event'
        })
      }
      const messages = [...collector.messages]
      const orders = collector.events
      const other = await t.another()
      let delivered = 0
      for (const message of messages) {
        if (message.kind === 'event') delivered++
        const position = message.kind === 'event' ? message.event.position : message.position
        const want = orders.slice(delivered)
        const resumed = t.collect(`resumed after ${position}`, subscribe(other, position))
        await t.collected(`the rest after ${position}`, resumed, (c) => {
          return c.count('caughtUp') > 0 && c.reached(want)
        })
        sameEvents(resumed.events, want, `resumed from ${message.kind} at ${position}`)
        await t.waitFor('the end of a resumed subscription', resumed.stop())
        if (message.kind === 'event') continue
        sameEvents(
          await other.readAll({ after: position, filter: { categories: ['Order'] } }).toArray(),
          want,
          `readAll after ${message.kind} at ${position}`,
        )
      }
    },
  },
  {
    id: 'SUB-5/every-version',
    rule: 'SUB-5',
    title: 'resumed from each version, a subscription to a stream goes on with the next event',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 9, { chunk: 4 })
      const stream = await t.store.readStream('Order-1').toArray()
      const resumed = stream.map((event) =>
        t.collect(
          `resumed after version ${event.version}`,
          t.store.subscribeToStream('Order-1', { afterVersion: event.version }),
        ),
      )
      const next = draft()
      await t.store.append('Order-1', [next], { expectedVersion: 9 })
      for (const [i, collector] of resumed.entries()) {
        const want = [...idsOf(stream.slice(i + 1)), next.id]
        await t.collected('the rest', collector, (c) => c.events.length >= want.length)
        sameOrder(collector.ids, want, `the stream resumed after version ${i + 1}`)
      }
    },
  },
]

/** No message may go back behind one before it. */
function ordered(messages: readonly AllMessage[]): void {
  const events = messages.flatMap((m) => (m.kind === 'event' ? [m.event.position] : []))
  ascending(events, 'the positions of the events of a subscription')
  let last = ''
  for (const message of messages) {
    const position = message.kind === 'event' ? message.event.position : message.position
    ok(
      position >= last,
      `the position of a message (${message.kind})`,
      `at least ${last}`,
      position,
    )
    last = position
  }
}

async function consume(store: EventStore, what: 'all' | 'stream'): Promise<void> {
  const messages = what === 'all' ? store.subscribeToAll() : store.subscribeToStream('Order-1')
  for await (const _ of messages) break
}

function never(): never {
  throw new TypeError('no such subscription')
}
