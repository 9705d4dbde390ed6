import type { Direction, RecordedEvent } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, factsOf, fails, gapless, ok, sameEvents, sameIds, sameValue } from '../check.js'
import { draft, drafts, fill, times, writeOneByOne, writeOthers } from '../fixtures.js'
import { jsonObjects, jsonValues } from './json-values.js'

export const readCases: readonly ConformanceCase[] = [
  {
    id: 'READ-1/never-written',
    rule: 'READ-1',
    title: 'a stream that was never written reads as empty, whatever is asked of it',
    async run(t) {
      await writeOthers(t.store)
      for (const direction of ['forwards', 'backwards'] as const)
        for (const fromVersion of [undefined, 1, 7])
          for (const limit of [undefined, 0, 5])
            equal(
              await t.store.readStream('Order-1', { direction, fromVersion, limit }).toArray(),
              [],
              `a stream never written, ${direction} from ${fromVersion}, limit ${limit}`,
            )
      equal(await t.store.streamVersion('Order-1'), 0, 'its version')
      // Not even streams whose names begin or end alike.
      for (const neighbour of [
        'Neighbour-',
        'Neighbour',
        'neighbour-1',
        'Neighbour-11',
        'eighbour-1',
      ])
        equal(await t.store.readStream(neighbour).toArray(), [], JSON.stringify(neighbour))
    },
  },
  {
    id: 'READ-1/every-boundary',
    rule: 'READ-1',
    title: 'every start, direction and limit around both ends means the same',
    async run(t) {
      await writeOthers(t.store)
      await writeOneByOne(t.store, 'Order-1', 3)
      await t.store.append('Order-2', drafts(4))
      await t.store.append('Order-1', drafts(4), { expectedVersion: 3 })
      const all = await t.store.readStream('Order-1').toArray()
      gapless(all, 'Order-1')
      equal(all.length, 7, 'events of the stream')
      for (const direction of ['forwards', 'backwards'] as const)
        for (const fromVersion of [undefined, 1, 2, 3, 6, 7, 8, 100])
          for (const limit of [undefined, 0, 1, 3, 7, 8])
            sameEvents(
              await t.store.readStream('Order-1', { direction, fromVersion, limit }).toArray(),
              expectedPage(all, direction, fromVersion, limit),
              `${direction} from ${fromVersion ?? 'the default'} with limit ${limit ?? 'none'}`,
            )
    },
  },
  {
    id: 'READ-1/long-stream',
    rule: 'READ-1',
    title: 'a stream longer than a page reads whole in both directions, from any version',
    async run(t) {
      await writeOthers(t.store)
      const { drafts: written } = await fill(t.store, 'Order-1', 1200, { chunk: 300 })
      const forwards = await t.store.readStream('Order-1').toArray()
      sameIds(forwards, written, 'forwards')
      gapless(forwards, 'Order-1')
      sameEvents(
        await t.store.readStream('Order-1', { direction: 'backwards' }).toArray(),
        [...forwards].reverse(),
        'backwards',
      )
      for (const [fromVersion, limit] of [
        [99, 204],
        [500, 501],
        [1199, 5],
      ] as const)
        for (const direction of ['forwards', 'backwards'] as const)
          sameEvents(
            await t.store.readStream('Order-1', { direction, fromVersion, limit }).toArray(),
            expectedPage(forwards, direction, fromVersion, limit),
            `${direction} from ${fromVersion} with limit ${limit}`,
          )
    },
  },
  {
    id: 'READ-1/refusals',
    rule: 'READ-1',
    title: 'a malformed start, limit or direction is refused with INVALID_ARGUMENT',
    async run(t) {
      await writeOthers(t.store)
      for (const options of [
        { fromVersion: 0 },
        { fromVersion: -1 },
        { fromVersion: 1.5 },
        { fromVersion: Number.NaN },
        { fromVersion: '1' },
        { limit: -1 },
        { limit: 0.5 },
        { limit: '5' },
        { direction: 'up' },
      ])
        await fails(
          async () => t.store.readStream('Neighbour-1', options as never).toArray(),
          'INVALID_ARGUMENT',
          `readStream with ${JSON.stringify(options)}`,
        )
    },
  },
  {
    id: 'READ-1/reader',
    rule: 'READ-1',
    title: 'events one by one, in batches and as an array are the same; each iteration reads anew',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 25, { chunk: 4 })
      const reader = t.store.readStream('Order-1', { fromVersion: 3 })
      const one: RecordedEvent[] = []
      for await (const event of reader) one.push(event)
      const batched: RecordedEvent[] = []
      for await (const batch of reader.batches()) {
        ok(batch.length > 0, 'a batch', 'at least one event', batch)
        batched.push(...batch)
      }
      equal(one.length, 23, 'events one by one')
      sameEvents(batched, one, 'in batches')
      sameEvents(await reader.toArray(), one, 'as an array')
      await t.store.append('Order-1', drafts(2), { expectedVersion: 25 })
      equal((await reader.toArray()).length, 25, 'events of a later iteration of the same reader')
    },
  },
  {
    id: 'READ-2/own-writes',
    rule: 'READ-2',
    title: 'each reader sees an acknowledged append at once, from either handle, however it reads',
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      await other.readStream('Order-1').toArray()
      for (let version = 1; version <= 24; version++) {
        const [writer, reader] = version % 8 < 4 ? [t.store, other] : [other, t.store]
        const event = draft()
        await writer.append('Order-1', [event], { expectedVersion: version - 1 })
        const when = `right after version ${version} was acknowledged to the other handle`
        if (version % 3 === 0)
          equal(await reader.streamVersion('Order-1'), version, `streamVersion ${when}`)
        else {
          const [last] = await reader
            .readStream(
              'Order-1',
              version % 3 === 1 ? { direction: 'backwards', limit: 1 } : { fromVersion: version },
            )
            .toArray()
          equal(last?.id, event.id, `the last event ${when}`)
        }
      }
    },
  },
  {
    id: 'READ-2/parallel-readers',
    rule: 'READ-2',
    title:
      'ten readers at once, through two handles, all see what was acknowledged before they began',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      for (let round = 1; round <= 5; round++) {
        await t.store.append('Order-1', drafts(3))
        const lengths = await t.waitFor(
          'ten readers',
          Promise.all(
            times(10, async (i) => {
              const store = i % 2 === 0 ? t.store : other
              return (await store.readStream('Order-1').toArray()).length
            }),
          ),
        )
        equal(
          lengths,
          times(10, () => round * 3),
          `what ten readers saw in round ${round}`,
        )
      }
    },
  },
  {
    id: 'READ-3/left-early',
    rule: 'READ-3',
    title: 'sixty readers that leave early, throw or abort hold nothing back',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 400, { chunk: 200 })
      for (let i = 0; i < 20; i++) {
        for await (const event of t.store.readStream('Order-1'))
          if (event.version === 1 + (i % 3)) break
        for await (const _ of t.store.readAll()) break
        await readAndThrow(t.store.readStream('Order-1'))
      }
      equal((await t.store.readStream('Order-1').toArray()).length, 400, 'a whole read afterwards')
      equal(
        (await t.store.append('Order-1', drafts(1), { expectedVersion: 400 })).version,
        401,
        'an append afterwards',
      )
      await t.waitFor('the store to close', t.store.close())
    },
  },
  {
    id: 'READ-3/paused-readers',
    rule: 'READ-3',
    title: 'thirty readers that pause in the middle keep nobody else from working',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 400, { chunk: 200 })
      const readers = times(30, () => t.store.readStream('Order-1')[Symbol.asyncIterator]())
      t.atEnd(() => Promise.all(readers.map((r) => r.return?.())))
      for (const reader of readers)
        equal(
          (await t.waitFor('the first event of a reader', reader.next())).value?.version,
          1,
          'the first event of a reader',
        )
      await t.waitFor(
        'an append beside thirty paused readers',
        t.store.append('Order-1', drafts(1), { expectedVersion: 400 }),
      )
      equal(
        await t.waitFor('a read beside them', t.store.streamVersion('Order-1')),
        401,
        'the version read beside thirty paused readers',
      )
      for (const reader of readers.slice(0, 5)) {
        let count = 1
        while (!(await t.waitFor('a paused reader to go on', reader.next())).done) count++
        ok(count >= 400, 'events of a reader that paused and went on', 'at least 400', count)
      }
    },
  },
  {
    id: 'READ-3/abort',
    rule: 'READ-3',
    title: 'an aborted read ends with ABORTED and gives nothing more',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 300)
      for (const read of [
        (signal: AbortSignal) => t.store.readStream('Order-1', { signal }),
        (signal: AbortSignal) => t.store.readAll({ signal }),
      ]) {
        const controller = new AbortController()
        let seen = 0
        await fails(
          async () => {
            for await (const _ of read(controller.signal)) {
              seen++
              controller.abort(new Error('enough'))
            }
          },
          'ABORTED',
          'a read that was aborted after its first event',
        )
        equal(seen, 1, 'events given by a read that was aborted after its first')
        await fails(
          async () => read(AbortSignal.abort()).toArray(),
          'ABORTED',
          'a read with an aborted signal',
        )
      }
      equal((await t.store.readStream('Order-1').toArray()).length, 300, 'a read afterwards')
    },
  },
  {
    id: 'READ-3/bounded',
    rule: 'READ-3',
    title: 'a reader that pauses or leaves asks the database for no more than it needs',
    hooks: ['requestCount'],
    level: 'full',
    async run(t) {
      await writeOthers(t.store)
      const requests = t.hook('requestCount')
      await fill(t.store, 'Order-1', 4000, {
        chunk: 800,
        overrides: { data: { text: 'x'.repeat(900) } },
      })
      const spent = async (work: () => Promise<unknown>) => {
        const before = await requests()
        await work()
        return (await requests()) - before
      }
      for (const [what, read] of [
        ['a stream', () => t.store.readStream('Order-1')],
        ['all', () => t.store.readAll()],
      ] as const) {
        const whole = await spent(() => read().toArray())
        const iterator = read()[Symbol.asyncIterator]()
        t.atEnd(() => iterator.return?.())
        // The calls after the first event give a page that is being fetched ahead the time to arrive.
        const others = 10
        const paused =
          (await spent(async () => {
            await iterator.next()
            for (let i = 0; i < others; i++) await t.store.streamVersion('Neighbour-1')
          })) - others
        // One page and one ahead: at most two thirds of a read that takes several; a server that streams needs one.
        ok(
          paused <= Math.max(3, Math.ceil((whole * 2) / 3)),
          `requests for the first event of ${what} with 4,000`,
          `far fewer than the ${whole} for all of them`,
          paused,
        )
        const left =
          (await spent(async () => {
            await iterator.return?.()
            for (let i = 0; i < others; i++) await t.store.streamVersion('Neighbour-1')
          })) - others
        ok(left <= 1, `requests after a reader of ${what} has left`, 'none', left)
      }
    },
  },
  {
    id: 'READ-4/json',
    rule: 'READ-4',
    title:
      'every JSON value comes back equal, from the stream, from all and through a subscription',
    async run(t) {
      await writeOthers(t.store)
      const values = jsonValues()
      const events = values.map(([, data]) => draft({ data }))
      await t.store.append('Order-1', events, { expectedVersion: 0 })
      const other = await t.another()
      const collector = t.collect('of the stream', other.subscribeToStream('Order-1'))
      await t.collected('every value', collector, (c) => c.events.length >= values.length)
      for (const [source, came] of [
        ['the stream', await other.readStream('Order-1').toArray()],
        ['all', await t.store.readAll({ filter: { categories: ['Order'] } }).toArray()],
        ['a subscription', collector.events],
      ] as const)
        for (const [i, [what, value]] of values.entries())
          equal(came[i]?.data, withoutNegativeZero(value), `${what}, from ${source}`)
    },
  },
  {
    id: 'READ-4/metadata',
    rule: 'READ-4',
    title: 'any JSON object comes back equal as metadata; none comes back as {}',
    async run(t) {
      await writeOthers(t.store)
      const objects = jsonObjects()
      await t.store.append(
        'Order-1',
        objects.map(([, metadata]) => draft({ metadata })),
        { expectedVersion: 0 },
      )
      const came = await t.store.readStream('Order-1').toArray()
      for (const [i, [what, value]] of objects.entries())
        equal(came[i]?.metadata, withoutNegativeZero(value), `${what} as metadata`)
      await t.store.append('Order-2', [
        { type: 'OrderPlaced', data: { a: undefined, b: 1 } },
        { type: 'OrderPlaced', data: 1, metadata: {} },
        { type: 'OrderPlaced', data: 1, metadata: { correlationId: undefined, causationId: 'c' } },
      ])
      const [absent, empty, undef] = await t.store.readStream('Order-2').toArray()
      equal(absent?.metadata, {}, 'no metadata')
      equal(absent?.data, { b: 1 }, 'data with a property that is undefined')
      equal(empty?.metadata, {}, 'empty metadata')
      equal(undef?.metadata, { causationId: 'c' }, 'metadata with a property that is undefined')
    },
  },
  {
    id: 'READ-4/bytes',
    rule: 'READ-4',
    title: 'bytes come back equal and as bytes; text that looks like bytes stays text',
    async run(t) {
      await writeOthers(t.store)
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      const values: [string, unknown][] = [
        ['no bytes', new Uint8Array()],
        ['every byte', every],
        ['a Buffer', Buffer.from('häuser')],
        ['a view into a larger buffer', every.subarray(10, 20)],
        ['bytes that are JSON text', Buffer.from('{"a":1}')],
        ['bytes that are no UTF-8', Uint8Array.of(0xff, 0xfe, 0x00, 0xc0)],
        ['200 KiB of bytes', Uint8Array.from({ length: 200 * 1024 }, (_, i) => (i * 7) % 256)],
        ['base64 text', Buffer.from(every).toString('base64')],
        ['hex text', '\\xdeadbeef'],
        ['an object that looks like bytes', { type: 'Buffer', data: [1, 2, 3] }],
        ['text that is JSON', '{"a":1}'],
      ]
      await t.store.append(
        'Order-1',
        values.map(([, data]) => draft({ data, metadata: { correlationId: 'c' } })),
        { expectedVersion: 0 },
      )
      const all = await t.store.readAll({ filter: { categories: ['Order'] } }).toArray()
      for (const came of [await (await t.another()).readStream('Order-1').toArray(), all])
        for (const [i, [what, value]] of values.entries()) {
          equal(came[i]?.data, value, what)
          ok(
            came[i]?.data instanceof Uint8Array === value instanceof Uint8Array,
            what,
            value instanceof Uint8Array ? 'a Uint8Array' : 'no bytes',
            came[i]?.data,
          )
          equal(came[i]?.metadata, { correlationId: 'c' }, `metadata beside ${what}`)
        }
    },
  },
  {
    id: 'READ-4/isolation',
    rule: 'READ-4',
    title: 'changing a value after it was given to, or got from, the store changes nothing in it',
    async run(t) {
      await writeOthers(t.store)
      const data = { lines: [{ sku: 'a', count: 1 }] }
      const metadata = { correlationId: 'first', tags: ['x'] }
      const bytes = Uint8Array.of(1, 2, 3)
      const events = [draft({ data, metadata }), draft({ data: bytes })]
      const appended = t.store.append('Order-1', events, { expectedVersion: 0 })
      // The call is under way: what it was given must already be the store's own.
      data.lines[0] = { sku: 'changed', count: 9 }
      metadata.tags.push('changed')
      bytes[0] = 99
      events.pop()
      await appended
      const read = () => t.store.readStream('Order-1').toArray()
      const first = await read()
      const want = [
        [{ lines: [{ sku: 'a', count: 1 }] }, { correlationId: 'first', tags: ['x'] }],
        [Uint8Array.of(1, 2, 3), {}],
      ] as const
      const holds = (came: readonly RecordedEvent[], when: string) => {
        equal(came.length, 2, `events ${when}`)
        for (const [i, [d, m]] of want.entries()) {
          equal(came[i]?.data, d, `data ${when}`)
          equal(came[i]?.metadata, m, `metadata ${when}`)
        }
      }
      holds(first, 'after the caller changed what it had given')
      const [one, two] = first as [RecordedEvent, RecordedEvent]
      ;(one.data as typeof data).lines.push({ sku: 'changed', count: 9 })
      ;(one.metadata as { tags: string[] }).tags.length = 0
      ;(two.data as Uint8Array).fill(7)
      holds(await read(), 'after a reader changed what it had got')
      holds(
        await t.store.readAll({ filter: { categories: ['Order'] } }).toArray(),
        'read from all after a reader changed what it had got',
      )
    },
  },
  {
    id: 'READ-4/whole-event',
    rule: 'READ-4',
    title: 'an event read has every field, the same from a stream and from all',
    async run(t) {
      await writeOthers(t.store)
      const event = draft({
        type: 'Bestellung aufgegeben — 注文 🛒',
        metadata: { correlationId: 'c', causationId: 'd', user: 7 },
      })
      const { position } = await t.store.append('Ünï-1', [event], { expectedVersion: 0 })
      const [one] = await t.store.readStream('Ünï-1').toArray()
      const all = await t.store.readAll().toArray()
      equal(
        one && factsOf(one),
        {
          id: event.id,
          streamId: 'Ünï-1',
          version: 1,
          position,
          type: event.type,
          data: event.data,
          metadata: event.metadata,
        },
        'the event read from its stream',
      )
      const recordedAt = one?.recordedAt
      ok(
        recordedAt instanceof Date && !Number.isNaN(recordedAt.getTime()),
        'recordedAt',
        'a valid Date',
        recordedAt,
      )
      const last = all.at(-1)
      equal(last && factsOf(last), one && factsOf(one), 'the same event read from all')
      ok(
        sameValue(last?.recordedAt, recordedAt),
        'recordedAt of the same event read from all',
        String(recordedAt?.toISOString()),
        last?.recordedAt,
      )
    },
  },
  {
    id: 'READ-4/recorded-at',
    rule: 'READ-4',
    title: 'recordedAt is when the event was recorded, the same for every reader at any time',
    async run(t) {
      const before = Date.now()
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(3), { expectedVersion: 0 })
      const first = await t.store.readStream('Order-1').toArray()
      const recorded = first.map((event) => event.recordedAt)
      const day = 24 * 60 * 60 * 1000
      // The server's clock is its own: it need only know the day.
      for (const at of recorded)
        ok(
          at instanceof Date && Math.abs(at.getTime() - before) < day,
          'recordedAt',
          `a Date within a day of ${new Date(before).toISOString()}`,
          at,
        )
      // A time that is made when it is read is another one by now.
      const read = Date.now()
      await t.until('the clock to go on', () => Date.now() > read + 1)

      const other = await t.another()
      const filter = { categories: ['Order'] }
      const ofStream = t.collect('of the stream', other.subscribeToStream('Order-1'))
      const ofAll = t.collect('of all', t.store.subscribeToAll({ filter }))
      await t.collected('three events', ofStream, (c) => c.events.length >= 3)
      await t.collected('three events', ofAll, (c) => c.events.length >= 3)
      const backwards = { direction: 'backwards' } as const
      const sources: Record<string, readonly RecordedEvent[]> = {
        'the stream': await t.store.readStream('Order-1').toArray(),
        'another handle': await other.readStream('Order-1').toArray(),
        'the stream, backwards': (await other.readStream('Order-1', backwards).toArray()).reverse(),
        all: await t.store.readAll().toArray(),
        'all, backwards': (await other.readAll(backwards).toArray()).reverse(),
        'all, filtered': await other.readAll({ filter }).toArray(),
        'a subscription to the stream': ofStream.events,
        'a subscription to all': ofAll.events,
      }
      for (const [source, events] of Object.entries(sources)) {
        const own = events.filter((event) => event.streamId === 'Order-1')
        equal(
          own.map((event) => event.recordedAt),
          recorded,
          `recordedAt of events from ${source}`,
        )
      }
    },
  },
]

function expectedPage(
  all: readonly RecordedEvent[],
  direction: Direction,
  fromVersion: number | undefined,
  limit = Number.POSITIVE_INFINITY,
): RecordedEvent[] {
  const from = fromVersion ?? (direction === 'forwards' ? 1 : all.length)
  const page =
    direction === 'forwards'
      ? all.filter((e) => e.version >= from)
      : all.filter((e) => e.version <= from).reverse()
  return page.slice(0, limit)
}

async function readAndThrow(events: AsyncIterable<RecordedEvent>): Promise<void> {
  try {
    for await (const _ of events) throw new RangeError('the consumer failed')
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
}

/** JSON has no -0: it comes back as 0. */
function withoutNegativeZero(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
