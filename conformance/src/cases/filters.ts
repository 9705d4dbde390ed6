import type { Filter, RecordedEvent } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, fails, ok, sameEvents } from '../check.js'
import { draft, drafts, times } from '../fixtures.js'

const streams = [
  'Order-1',
  'Order-2-x',
  'OrderItem-1',
  'Order',
  'order-1',
  'Order-',
  '-Order',
  'a%b_c.*(-1',
  'a%b_c.*(',
  'aXbYc.*(-1',
  'axb_c-1',
  "O'Brien-1",
  'Ünï-1',
  'Unlike\\-1',
]

const types = ['Placed', 'placed', "It's", 'a"b', 'x%', 'xy', 'a_b', 'aXb', 'a.*', 'Plac', 'é']

const filters: readonly Filter[] = [
  {},
  { categories: ['Order'] },
  { categories: ['OrderItem'] },
  { categories: ['order', 'Ünï'] },
  { categories: ['Ord'] },
  { categories: ['a%b_c.*('] },
  { categories: ["O'Brien", 'Unlike\\'] },
  { categories: ['%', '_____', '.*', 'Order-'] },
  { streamPrefixes: ['Order-'] },
  { streamPrefixes: ['Order'] },
  { streamPrefixes: ['Order-1'] },
  { streamPrefixes: ['a%b_c.*('] },
  { streamPrefixes: ['a%', 'a_'] },
  { streamPrefixes: ["O'", 'Ünï-', 'Unlike\\'] },
  { streamPrefixes: ['^Order', '.*', '%'] },
  { streamPrefixes: ['nothing'] },
  { types: ['Placed'] },
  { types: ['placed', 'Plac'] },
  { types: ["It's", 'a"b'] },
  { types: ['x%', 'a_b', 'a.*'] },
  { types: ['é'] },
  { types: ['absent'] },
  { categories: ['Order', 'order'], types: ['Placed', 'xy'] },
  { categories: ['Order'], streamPrefixes: ['Order-2', 'OrderItem'] },
  { categories: ['Order', 'OrderItem'], streamPrefixes: ['Order-', 'OrderItem-'], types: ['xy'] },
]

/** What a filter means, said once more and independently of core. */
function passes(filter: Filter, event: { streamId: string; type: string }): boolean {
  const category = event.streamId.split('-', 1)[0] ?? ''
  const one = (list: readonly string[] | undefined, test: (item: string) => boolean) =>
    list === undefined || list.some(test)
  return (
    one(filter.categories, (c) => c === category) &&
    one(filter.streamPrefixes, (p) => event.streamId.slice(0, p.length) === p) &&
    one(filter.types, (type) => type === event.type)
  )
}

async function fillStore(store: {
  append(streamId: string, events: ReturnType<typeof drafts>): Promise<unknown>
}): Promise<void> {
  let n = 0
  for (let round = 0; round < 2; round++)
    for (const streamId of streams)
      await store.append(
        streamId,
        times(4, () => draft({ type: types[n++ % types.length] ?? 'x', data: { n } })),
      )
}

export const filterCases: readonly ConformanceCase[] = [
  {
    id: 'ALL-7/every-shape',
    rule: 'ALL-7',
    title: 'each filter gives exactly the events that pass, in order, in both directions',
    async run(t) {
      await fillStore(t.store)
      const all = await t.store.readAll().toArray()
      equal(all.length, streams.length * 8, 'events')
      for (const filter of filters) {
        const want = all.filter((e) => passes(filter, e))
        const name = JSON.stringify(filter)
        sameEvents(await t.store.readAll({ filter }).toArray(), want, `forwards, ${name}`)
        sameEvents(
          await t.store.readAll({ filter, direction: 'backwards' }).toArray(),
          [...want].reverse(),
          `backwards, ${name}`,
        )
      }
      ok(
        filters.some((f) => all.some((e) => passes(f, e))),
        'the filters of this case',
        'to let something through',
        'nothing',
      )
    },
  },
  {
    id: 'ALL-7/limits-and-starts',
    rule: 'ALL-7',
    title:
      'a limit counts the events that pass; after and direction mean what they do without a filter',
    async run(t) {
      await fillStore(t.store)
      const all = await t.store.readAll().toArray()
      for (const filter of filters.slice(1).filter((_, i) => i % 3 === 0))
        for (const at of [0, 41, 80, all.length - 1])
          for (const limit of [1, 3, 200]) {
            const after = all[at]?.position
            const of = (events: readonly RecordedEvent[]) =>
              events.filter((e) => passes(filter, e)).slice(0, limit)
            const name = `${JSON.stringify(filter)} after event ${at} with limit ${limit}`
            sameEvents(
              await t.store.readAll({ filter, after, limit }).toArray(),
              of(all.slice(at + 1)),
              `forwards, ${name}`,
            )
            sameEvents(
              await t.store.readAll({ filter, after, limit, direction: 'backwards' }).toArray(),
              of(all.slice(0, at).reverse()),
              `backwards, ${name}`,
            )
          }
      equal(
        await t.store.readAll({ filter: { categories: ['Order'] }, limit: 0 }).toArray(),
        [],
        'limit 0',
      )
    },
  },
  {
    id: 'ALL-7/subscriptions',
    rule: 'ALL-7',
    title: 'a subscription gives exactly the events that pass its filter, past and present',
    async run(t) {
      await fillStore(t.store)
      const chosen = filters.filter((_, i) => i % 2 === 1)
      const collectors = chosen.map((filter) =>
        t.collect(JSON.stringify(filter), t.store.subscribeToAll({ filter })),
      )
      for (const collector of collectors)
        await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
      await fillStore(t.store)
      const all = await t.store.readAll().toArray()
      for (const [i, filter] of chosen.entries()) {
        const want = all.filter((e) => passes(filter, e))
        const collector = collectors[i]
        if (!collector) continue
        await t.collected(`${want.length} events of ${JSON.stringify(filter)}`, collector, (c) => {
          return c.reached(want)
        })
        sameEvents(collector.events, want, `a subscription with ${JSON.stringify(filter)}`)
      }
    },
  },
  {
    id: 'ALL-7/sparse',
    rule: 'ALL-7',
    title: 'a filter that lets few of many events through finds them all',
    async run(t) {
      const wanted: string[] = []
      for (let i = 0; i < 6; i++) {
        await t.store.append(`Noise-${i}`, drafts(200, 'noise'))
        if (i % 2 === 1) {
          const event = draft({ type: 'Rare' })
          wanted.push(event.id)
          await t.store.append('Needle-1', [event])
        }
      }
      for (const filter of [{ types: ['Rare'] }, { categories: ['Needle'] }])
        for (const direction of ['forwards', 'backwards'] as const) {
          const read = await t.store.readAll({ filter, direction }).toArray()
          const ids = read.map((e) => e.id)
          equal(
            direction === 'forwards' ? ids : ids.reverse(),
            wanted,
            `${direction}, ${JSON.stringify(filter)}`,
          )
          equal(
            (await t.store.readAll({ filter, direction, limit: 2 }).toArray()).length,
            2,
            `${direction}, ${JSON.stringify(filter)}, limit 2`,
          )
        }
    },
  },
  {
    id: 'ALL-7/refusals',
    rule: 'ALL-7',
    title: 'a malformed filter is refused with INVALID_ARGUMENT',
    async run(t) {
      await t.store.append('Order-1', drafts(1))
      for (const filter of [
        { categories: 'Order' },
        { types: [7] },
        { streamPrefixes: [null] },
        { types: 'Placed' },
        'Order',
      ])
        await fails(
          async () => t.store.readAll({ filter: filter as never }).toArray(),
          'INVALID_ARGUMENT',
          `readAll with the filter ${JSON.stringify(filter)}`,
        )
    },
  },
]
