import type { EventStore, Filter, RecordedEvent } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, ok, sameEvents } from '../check.js'
import { draft, drafts, times } from '../fixtures.js'

/**
 * 3,000 events, a few of which are wanted: the first, the last, and six around the 500th, 1,000th and 2,000th from either
 * end, where windows of that many meet. Between the first and the last, others are alone in whole windows of noise.
 */
async function fillSparsely(store: EventStore): Promise<void> {
  const noise = (count: number) => store.append('Noise-1', drafts(count, 'noise'))
  const wanted = (streamId: string, count: number) =>
    store.append(streamId, drafts(count, 'wanted', { type: 'Wanted' }))
  await wanted('First-1', 1)
  await noise(496)
  await wanted('Needle-500', 6)
  await noise(494)
  await wanted('Needle-1000', 6)
  await noise(494)
  await noise(500)
  await wanted('Needle-2000', 6)
  await noise(494)
  await wanted('Needle-2500', 6)
  await noise(496)
  await wanted('Last-1', 1)
}

const sparseFilters: readonly [filter: Filter, streams: RegExp][] = [
  [{ types: ['Wanted'] }, /^(First|Needle|Last)-/],
  [{ streamPrefixes: ['Needle-', 'First-1'] }, /^(Needle|First)-/],
  [{ categories: ['Needle'] }, /^Needle-/],
  [{ categories: ['First'] }, /^First-/],
  [{ streamPrefixes: ['Las'] }, /^Last-/],
  [{ types: ['Absent'] }, /^$/],
]

/** Stream ids around a prefix, by what follows it: in order of code points, which is not that of JavaScript's strings. */
const edgeStreams = [
  'Ordeq\u{10ffff}-1',
  'Order',
  'Order-1',
  'Order~-1',
  'Order\u{d7ff}-1',
  'Order\u{e000}-1',
  'Order\u{ffee}-1',
  'Order\u{fffd}-1',
  'Order\u{10000}-1',
  'Order\u{1f6d2}',
  'Order\u{1f6d2}-1',
  'Order\u{1f6d2}\u{fffd}-1',
  'Order\u{1f6d2}\u{10ffff}-1',
  'Order\u{1f6d3}-1',
  'Order\u{10ffff}',
  'Order\u{10ffff}-1',
  'Order\u{10ffff}\u{10ffff}-1',
  'Ordes-1',
  '\u{d7ff}-1',
  '\u{e000}-1',
  '\u{10ffff}-1',
]

const edgePrefixes = [
  'Order',
  'Order\u{d7ff}',
  'Order\u{e000}',
  'Order\u{ffee}',
  'Order\u{1f6d2}',
  'Order\u{10ffff}',
  '\u{d7ff}',
  '\u{10ffff}',
]

export const filterEdgeCases: readonly ConformanceCase[] = [
  {
    id: 'ALL-7/sparse-across-windows',
    rule: 'ALL-7',
    title:
      'a filter that lets a handful of 3,000 events through loses none, wherever the windows of a read meet',
    level: 'full',
    async run(t) {
      await fillSparsely(t.store)
      const all = await t.store.readAll().toArray()
      equal(all.length, 3000, 'events')
      for (const [filter, streams] of sparseFilters) {
        const want = all.filter((e) => streams.test(e.streamId))
        const name = JSON.stringify(filter)
        sameEvents(await t.store.readAll({ filter }).toArray(), want, `forwards, ${name}`)
        sameEvents(
          await t.store.readAll({ filter, direction: 'backwards' }).toArray(),
          [...want].reverse(),
          `backwards, ${name}`,
        )
      }

      const filter: Filter = { types: ['Wanted'] }
      const want = all.filter((e) => e.type === 'Wanted')
      // After a wanted one, after the last of a window, and in the midst of noise.
      for (const place of [1, 1000, 1500, 2001]) {
        const event = all[place - 1]
        const after = event?.position ?? ''
        sameEvents(
          await t.store.readAll({ filter, after }).toArray(),
          want.filter((e) => e.position > after),
          `forwards after event ${place}`,
        )
        sameEvents(
          await t.store.readAll({ filter, after, direction: 'backwards' }).toArray(),
          want.filter((e) => e.position < after).reverse(),
          `backwards after event ${place}`,
        )
      }
      // The limit falls on a wanted event each time, and the next read goes on behind it.
      for (const direction of ['forwards', 'backwards'] as const) {
        const paged: RecordedEvent[] = []
        for (const limit of [4, 3, 7, 6, 100]) {
          const after = paged.at(-1)?.position
          const page = await t.store.readAll({ filter, after, direction, limit }).toArray()
          ok(page.length <= limit, `events read with limit ${limit}`, 'no more', page.length)
          paged.push(...page)
        }
        const order = direction === 'forwards' ? want : [...want].reverse()
        sameEvents(paged, order, `${direction}, page by page`)
      }
    },
  },
  {
    id: 'ALL-7/sparse-subscriptions',
    rule: 'ALL-7',
    title:
      'a subscription with a filter that lets a handful of 3,000 events through tells no position that it is not past',
    level: 'full',
    async run(t) {
      await fillSparsely(t.store)
      const all = await t.store.readAll().toArray()
      for (const [filter, streams] of sparseFilters) {
        const name = `a subscription with ${JSON.stringify(filter)}`
        const want = all.filter((e) => streams.test(e.streamId))
        const collector = t.collect(name, t.store.subscribeToAll({ filter }))
        await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
        const given: RecordedEvent[] = []
        for (const message of collector.messages)
          if (message.kind === 'event') given.push(message.event)
          else
            sameEvents(
              given,
              want.filter((e) => e.position <= message.position),
              `${name}, up to the position of ${message.kind}`,
            )
        const place = collector.messages.findLast((message) => message.kind === 'caughtUp')
        sameEvents(given, want, `${name}, up to the head`)
        await collector.stop()

        const resumed = t.collect(
          `${name}, resumed`,
          t.store.subscribeToAll({
            filter,
            after: place?.kind === 'caughtUp' ? place.position : 'start',
          }),
        )
        const later = await laterOnes(t.store)
        const next = later.filter((e) => streams.test(e.streamId))
        await t.collected('what came later', resumed, (c) => c.reached(next))
        sameEvents(resumed.events, next, `${name}, resumed from its position at the head`)
        await resumed.stop()
        all.push(...later)
      }
    },
  },
  {
    id: 'ALL-7/prefixes-at-the-end-of-unicode',
    rule: 'ALL-7',
    title: 'a prefix selects every stream that begins with it, whichever character comes next',
    async run(t) {
      for (const streamId of edgeStreams) await t.store.append(streamId, drafts(2))
      const all = await t.store.readAll().toArray()
      equal(all.length, edgeStreams.length * 2, 'events')
      const lists = [...edgePrefixes.map((prefix) => [prefix]), edgePrefixes.slice(1)]
      for (const streamPrefixes of lists) {
        const filter: Filter = { streamPrefixes }
        const want = all.filter((e) => streamPrefixes.some((p) => e.streamId.startsWith(p)))
        const name = `prefixes ${streamPrefixes.map(escaped).join(', ')}`
        sameEvents(await t.store.readAll({ filter }).toArray(), want, `forwards, ${name}`)
        sameEvents(
          await t.store.readAll({ filter, direction: 'backwards' }).toArray(),
          [...want].reverse(),
          `backwards, ${name}`,
        )
        const collector = t.collect(`with ${name}`, t.store.subscribeToAll({ filter }))
        await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
        sameEvents(collector.events, want, `a subscription with ${name}`)
        await collector.stop()
      }
    },
  },
  {
    id: 'ALL-7/long-lists',
    rule: 'ALL-7',
    title: 'lists of 2,000 types, prefixes and categories select by each of their entries',
    async run(t) {
      const chosen = [0, 1, 998, 999, 1000, 1001, 1500, 1998, 1999]
      const name = (i: number) => `Kind${String(i).padStart(4, '0')}`
      // Each stream has one event that is named as it is, and one that is not.
      for (const i of [...chosen, 2000])
        await t.store.append(`${name(i)}-1`, [draft({ type: name(i) }), draft({ type: 'Other' })])
      const all = await t.store.readAll().toArray()
      const names = times(2000, name)
      const prefixes = names.map((kind) => `${kind}-`)
      const inList = (e: RecordedEvent) => e.streamId !== `${name(2000)}-1`
      const named = (e: RecordedEvent) => inList(e) && e.type !== 'Other'
      const filters: [what: string, filter: Filter, want: (e: RecordedEvent) => boolean][] = [
        ['types', { types: names }, named],
        ['categories', { categories: names }, inList],
        ['prefixes', { streamPrefixes: prefixes }, inList],
        ['each', { types: names, categories: names, streamPrefixes: prefixes }, named],
      ]
      for (const [what, filter, passes] of filters) {
        const want = all.filter(passes)
        sameEvents(await t.store.readAll({ filter }).toArray(), want, `forwards, 2,000 ${what}`)
        sameEvents(
          await t.store.readAll({ filter, direction: 'backwards' }).toArray(),
          [...want].reverse(),
          `backwards, 2,000 ${what}`,
        )
        const collector = t.collect(`with 2,000 ${what}`, t.store.subscribeToAll({ filter }))
        await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
        sameEvents(collector.events, want, `a subscription with 2,000 ${what}`)
        await collector.stop()
      }
    },
  },
]

/** Text whose characters can be told apart in a message. */
function escaped(text: string): string {
  return text.replace(/[^ -~]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)
}

async function laterOnes(store: EventStore): Promise<RecordedEvent[]> {
  const after = (await store.headPosition()) ?? undefined
  for (const streamId of ['Noise-1', 'First-1', 'Noise-1', 'Needle-500', 'Last-1', 'Noise-1'])
    await store.append(
      streamId,
      drafts(1, 'later', { type: streamId === 'Noise-1' ? 'OrderPlaced' : 'Wanted' }),
    )
  return store.readAll({ after }).toArray()
}
