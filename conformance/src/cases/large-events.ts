import { randomBytes } from 'node:crypto'
import type { Direction, EventStore, RecordedEvent } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, gapless, sameEvents, sameIds } from '../check.js'
import { type Draft, draft, drafts, times } from '../fixtures.js'

const KiB = 1024

/** 200 KiB that no database compresses away, as text or as bytes. */
function large(i: number): Draft {
  const bytes = randomBytes(i % 3 === 0 ? 200 * KiB : 150 * KiB)
  return draft({ type: 'Large', data: i % 3 === 0 ? bytes : bytes.toString('base64') })
}

/**
 * 28 large events with small ones between them, 6 MiB in all: by their number they are one page, by their bytes they are
 * many, and a page that is cut by its bytes ends sometimes before a large event and sometimes before a small one.
 */
async function fillWithLarge(store: EventStore, streamId: string): Promise<Draft[]> {
  const written: Draft[] = []
  for (let round = 0; round < 7; round++) {
    const events = times(4, (i) => [large(round * 4 + i), ...drafts(1 + ((round + i) % 3))]).flat()
    await store.append(streamId, events, { expectedVersion: written.length })
    written.push(...events)
  }
  return written
}

const directions: readonly Direction[] = ['forwards', 'backwards']

function inOrder(events: readonly RecordedEvent[], direction: Direction): RecordedEvent[] {
  return direction === 'forwards' ? [...events] : [...events].reverse()
}

export const largeEventCases: readonly ConformanceCase[] = [
  {
    id: 'READ-1/large-events',
    rule: 'READ-1',
    title: 'a stream of events that are large together reads whole, in both directions',
    level: 'full',
    async run(t) {
      await t.store.append('Neighbour-1', drafts(3))
      const written = await fillWithLarge(t.store, 'Order-1')
      const stream = await t.store.readStream('Order-1').toArray()
      sameIds(stream, written, 'forwards')
      gapless(stream, 'Order-1')
      for (const [i, event] of stream.entries())
        equal(event.data, written[i]?.data, `data of event ${i + 1}`)
      sameEvents(
        await t.store.readStream('Order-1', { direction: 'backwards' }).toArray(),
        inOrder(stream, 'backwards'),
        'backwards',
      )
      for (const direction of directions) {
        const limited = { direction, fromVersion: 30, limit: 20 } as const
        const page = stream.filter((e) =>
          direction === 'forwards' ? e.version >= 30 : e.version <= 30,
        )
        sameEvents(
          await t.store.readStream('Order-1', limited).toArray(),
          inOrder(page, direction).slice(0, 20),
          `${direction} from 30 with limit 20`,
        )
      }
      const collector = t.collect('of the stream', t.store.subscribeToStream('Order-1'))
      await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
      sameEvents(collector.events, stream, 'a subscription to the stream')
    },
  },
  {
    id: 'ALL-1/large-events',
    rule: 'ALL-1',
    title: 'events that are large together read whole from all, in both directions and filtered',
    level: 'full',
    async run(t) {
      await t.store.append('Neighbour-1', drafts(3))
      await fillWithLarge(t.store, 'Order-1')
      const stream = await t.store.readStream('Order-1').toArray()
      const neighbours = await t.store.readStream('Neighbour-1').toArray()
      const all = [...neighbours, ...stream]
      const filters = [
        [undefined, all],
        [{ types: ['Large'] }, all.filter((e) => e.type === 'Large')],
        [{ types: ['OrderPlaced'] }, all.filter((e) => e.type === 'OrderPlaced')],
        [{ categories: ['Order'] }, stream],
      ] as const
      for (const [filter, want] of filters) {
        const name = filter ? JSON.stringify(filter) : 'without a filter'
        for (const direction of directions)
          sameEvents(
            await t.store.readAll({ filter, direction }).toArray(),
            inOrder(want, direction),
            `${direction}, ${name}`,
          )
      }
      const middle = stream[29]?.position ?? ''
      for (const direction of directions)
        sameEvents(
          await t.store.readAll({ direction, after: middle, limit: 20 }).toArray(),
          inOrder(
            all.filter((e) =>
              direction === 'forwards' ? e.position > middle : e.position < middle,
            ),
            direction,
          ).slice(0, 20),
          `${direction} from the middle with limit 20`,
        )
      for (const [filter, want] of filters.slice(0, 2)) {
        const collector = t.collect(`of ${want.length}`, t.store.subscribeToAll({ filter }))
        await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
        sameEvents(collector.events, want, `a subscription ${JSON.stringify(filter)}`)
        await collector.stop()
      }
    },
  },
]
