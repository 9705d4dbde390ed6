import type { StreamAppend } from '@annals/core'
import type { ConformanceCase, Need } from '../case.js'
import { equal, fails, gapless, ok, sameEvents, sameIds, settle } from '../check.js'
import { type Draft, draft, drafts, times, writeOthers } from '../fixtures.js'

/** Where several streams cannot be written at once, the call is refused and says what to do instead. */
const multiStreamAppend: Need = {
  capability: 'multiStreamAppend',
  offered: (capabilities) => capabilities.multiStreamAppend,
  otherwise: {
    title: 'appendToStreams is refused with UNSUPPORTED and names an alternative',
    async run(t) {
      const before = await writeOthers(t.store)
      const error = await fails(
        t.store.appendToStreams([
          { streamId: 'Order-1', events: drafts(1) },
          { streamId: 'Order-2', events: drafts(1) },
        ]),
        'UNSUPPORTED',
        'appendToStreams where the capability is off',
      )
      equal(error.capability, 'multiStreamAppend', 'the capability that the refusal names')
      ok(
        typeof error.alternative === 'string' && error.alternative.trim().length > 0,
        'the alternative that the refusal names',
        'some words',
        error.alternative,
      )
      sameEvents(await t.store.readAll().toArray(), before, 'all events after the refusal')
    },
  },
}

function multiCase(c: Omit<ConformanceCase, 'rule' | 'needs'>): ConformanceCase {
  return { ...c, rule: 'MULTI-1', needs: multiStreamAppend }
}

export const multiCases: readonly ConformanceCase[] = [
  multiCase({
    id: 'MULTI-1/all-written',
    title: 'each stream gets its events, each expectation is examined, results come in order',
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-2', drafts(2), { expectedVersion: 0 })
      await t.store.append('Order-3', drafts(1), { expectedVersion: 0 })
      const appends: { streamId: string; events: Draft[]; expectedVersion?: number | 'exists' }[] =
        [
          { streamId: 'Order-9', events: drafts(2), expectedVersion: 0 },
          { streamId: 'Order-2', events: drafts(3), expectedVersion: 2 },
          { streamId: 'Order-3', events: drafts(1), expectedVersion: 'exists' },
          { streamId: 'Order-1', events: drafts(2) },
        ]
      const results = await t.store.appendToStreams(appends)
      equal(
        results.map((r) => r.version),
        [2, 5, 2, 2],
        'the versions, in the order of the arguments',
      )
      for (const [i, { streamId, events }] of appends.entries()) {
        const stream = await t.store.readStream(streamId).toArray()
        gapless(stream, streamId)
        sameIds(stream.slice(-events.length), events, `the end of ${streamId}`)
        equal(results[i]?.position, stream.at(-1)?.position, `the position for ${streamId}`)
      }
    },
  }),
  multiCase({
    id: 'MULTI-1/all-or-nothing',
    title: 'one conflict and nothing is written anywhere; the conflict names its stream',
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2), { expectedVersion: 0 })
      const before = await t.store.readAll().toArray()
      const good = (id: string): StreamAppend => ({ streamId: id, events: drafts(1) })
      for (const [bad, actual] of [
        [{ streamId: 'Order-1', events: drafts(1), expectedVersion: 1 }, 2],
        [{ streamId: 'Order-1', events: drafts(1), expectedVersion: 3 }, 2],
        [{ streamId: 'Order-5', events: drafts(1), expectedVersion: 'exists' }, 0],
        [{ streamId: 'Order-5', events: drafts(1), expectedVersion: 1 }, 0],
      ] as const)
        for (const appends of [
          [bad, good('Order-2'), good('Order-3')],
          [good('Order-2'), bad, good('Order-3')],
          [good('Order-2'), good('Order-3'), bad],
        ]) {
          const error = await fails(
            t.store.appendToStreams(appends),
            'WRONG_EXPECTED_VERSION',
            `appendToStreams with a conflict on ${bad.streamId}`,
          )
          equal(
            { streamId: error.streamId, expected: error.expected, actual: error.actual },
            { streamId: bad.streamId, expected: bad.expectedVersion, actual },
            'what the conflict tells',
          )
        }
      sameEvents(await t.store.readAll().toArray(), before, 'all events after the conflicts')
      equal(
        (await t.store.append('Order-2', drafts(1), { expectedVersion: 0 })).version,
        1,
        'the first version of a stream whose multi-stream append was rejected',
      )
    },
  }),
  multiCase({
    id: 'MULTI-1/repeat',
    title:
      'a repeat writes nothing and returns the first results; a mixture of old and new is refused',
    async run(t) {
      await writeOthers(t.store)
      const appends = [
        { streamId: 'Order-1', events: drafts(2), expectedVersion: 0 },
        { streamId: 'Order-2', events: drafts(1), expectedVersion: 0 },
      ]
      const first = await t.store.appendToStreams(appends)
      equal(await t.store.appendToStreams(appends), first, 'the results of a repeat')
      await t.store.append('Order-1', drafts(3), { expectedVersion: 2 })
      const other = await t.another()
      equal(await other.appendToStreams(appends), first, 'the results of a later repeat')
      const before = await t.store.readAll().toArray()
      await fails(
        t.store.appendToStreams([
          ...appends,
          { streamId: 'Order-3', events: drafts(1), expectedVersion: 0 },
        ]),
        'DUPLICATE_EVENT_ID',
        'a repeat with a new stream added',
      )
      sameEvents(await other.readAll().toArray(), before, 'all events after the repeats')
    },
  }),
  multiCase({
    id: 'MULTI-1/visible-at-once',
    title: 'a reader of all sees a multi-stream append whole or not at all',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const reader = await t.another()
      let writing = true
      const writer = t.background(
        (async () => {
          for (let i = 0; i < 15; i++)
            await t.store.appendToStreams(
              times(4, (n) => ({
                streamId: `Order-${n}`,
                events: drafts(2),
                expectedVersion: i * 2,
              })),
            )
        })().finally(() => {
          writing = false
        }),
      )
      do {
        const seen = await reader.readAll({ filter: { categories: ['Order'] } }).toArray()
        equal(seen.length % 8, 0, `events seen while appends of 8 go on: ${seen.length} % 8`)
      } while (writing)
      await t.waitFor('the writer', writer)
    },
  }),
  multiCase({
    id: 'MULTI-1/crossing-writers',
    title: 'writers that name the same streams in opposite orders neither lock up nor tear',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      const streams = ['Order-1', 'Order-2', 'Order-3']
      const outcomes = await t.waitFor(
        'crossing writers',
        Promise.all(
          times(16, (i) =>
            settle(
              (i % 2 === 0 ? t.store : other).appendToStreams(
                (i % 4 < 2 ? streams : [...streams].reverse()).map((streamId) => ({
                  streamId,
                  events: [draft({ data: { append: i } })],
                  expectedVersion: i < 8 ? ('any' as const) : 0,
                })),
              ),
            ),
          ),
        ),
      )
      for (const [i, outcome] of outcomes.entries())
        if (i < 8) ok(outcome.ok, "an append with 'any'", 'to succeed', outcome)
        else if (!outcome.ok)
          await fails(
            Promise.reject(outcome.error),
            'WRONG_EXPECTED_VERSION',
            'an append with 0 that lost',
          )
      ok(
        outcomes.filter((o, i) => i >= 8 && o.ok).length <= 1,
        'appends with 0 that succeeded',
        'at most one',
        outcomes.filter((o, i) => i >= 8 && o.ok).length,
      )
      const effects = outcomes.flatMap((o, i) => (o.ok ? [i] : [])).sort((a, b) => a - b)
      for (const streamId of streams) {
        const stream = await t.store.readStream(streamId).toArray()
        gapless(stream, streamId)
        equal(
          stream.map((e) => (e.data as { append: number }).append).sort((a, b) => a - b),
          effects,
          `the appends that ${streamId} holds`,
        )
      }
    },
  }),
  multiCase({
    id: 'MULTI-1/refusals',
    title:
      'no streams, a stream twice, a stream without events or too much in all is refused whole',
    async run(t) {
      const before = await writeOthers(t.store)
      const twice = { streamId: 'Order-1', events: drafts(1) }
      for (const [what, appends] of [
        ['no streams', []],
        ['a stream twice', [twice, { streamId: 'Order-1', events: drafts(1) }]],
        ['a stream without events', [twice, { streamId: 'Order-2', events: [] }]],
        ['a bad stream id', [twice, { streamId: '', events: drafts(1) }]],
      ] as const)
        await fails(
          async () => t.store.appendToStreams(appends),
          'INVALID_ARGUMENT',
          `appendToStreams with ${what}`,
        )
      await fails(
        t.store.appendToStreams([
          { streamId: 'Order-1', events: drafts(600) },
          { streamId: 'Order-2', events: drafts(401) },
        ]),
        'TOO_LARGE',
        'appendToStreams with 1,001 events in all',
      )
      sameEvents(await t.store.readAll().toArray(), before, 'all events after the refusals')
    },
  }),
]
