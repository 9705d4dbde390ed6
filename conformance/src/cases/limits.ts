import { type NewEvent, portableLimits } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, fails, ok, sameEvents } from '../check.js'
import { type Draft, draft, drafts, idsOf, writeOthers } from '../fixtures.js'

const KiB = 1024

/** The size of an event as `Limits` defines it. */
function sizeOf({ type, data, metadata }: Draft): number {
  const bytes = (value: unknown) =>
    value instanceof Uint8Array ? value.byteLength : Buffer.byteLength(JSON.stringify(value))
  return bytes(data) + bytes(metadata ?? {}) + Buffer.byteLength(type)
}

/** An event of exactly `bytes` bytes, the rest of it in data, as text or as bytes, or in metadata. */
function sized(bytes: number, where: 'data' | 'bytes' | 'metadata'): Draft {
  const metadata = { correlationId: 'ä' }
  const empty = draft(
    where === 'metadata'
      ? { data: 'é', metadata: { text: '' } }
      : { data: where === 'bytes' ? new Uint8Array() : '', metadata },
  )
  const rest = bytes - sizeOf(empty)
  const event: Draft =
    where === 'metadata'
      ? { ...empty, metadata: { text: 'm'.repeat(rest) } }
      : { ...empty, data: where === 'bytes' ? new Uint8Array(rest).fill(0xe9) : 'd'.repeat(rest) }
  if (sizeOf(event) !== bytes) throw new TypeError(`${sizeOf(event)} bytes instead of ${bytes}`)
  return event
}

/** Stream ids outside the envelope. */
const wrongStreamIds: readonly [
  what: string,
  id: unknown,
  code: 'INVALID_ARGUMENT' | 'TOO_LARGE',
][] = [
  ['an empty one', '', 'INVALID_ARGUMENT'],
  ['a number', 7, 'INVALID_ARGUMENT'],
  ['undefined', undefined, 'INVALID_ARGUMENT'],
  ['one that starts with $', '$all', 'INVALID_ARGUMENT'],
  ['one with U+0000', 'Order-\u0000', 'INVALID_ARGUMENT'],
  ['one with a line feed', 'Order-\n1', 'INVALID_ARGUMENT'],
  ['one with U+001F', 'Order-\u001f', 'INVALID_ARGUMENT'],
  ['one with U+007F', 'Order-\u007f', 'INVALID_ARGUMENT'],
  ['one with a lone surrogate', 'Order-\ud800', 'INVALID_ARGUMENT'],
  ['256 bytes', `Order-${'x'.repeat(250)}`, 'TOO_LARGE'],
  ['256 bytes in 128 characters', 'é'.repeat(128), 'TOO_LARGE'],
  ['257 bytes in 3-byte characters', `${'注'.repeat(85)}xx`, 'TOO_LARGE'],
]

export const limitCases: readonly ConformanceCase[] = [
  {
    id: 'LIMIT-1/stream-ids',
    rule: 'LIMIT-1',
    title: 'every stream id of the envelope works, up to 255 bytes however many characters',
    async run(t) {
      await writeOthers(t.store)
      const ids = [
        'a',
        '-',
        '.',
        '..',
        'x'.repeat(255),
        `Order-${'x'.repeat(249)}`,
        `${'é'.repeat(127)}x`,
        '注'.repeat(85),
        `${'🛒'.repeat(63)}abc`,
        ' leading and trailing ',
        'a/b\\c?d=e&f#g',
        'Order-$1',
        'Order#1',
        's#Order-1',
        'e\u0301',
        '\u00e9',
        'ORDER-1',
        'order-1',
        '@@metadata',
        'null',
        '__proto__',
        'constructor',
        '\u202eright to left',
      ]
      for (const id of ids) {
        const events = drafts(2)
        const { version } = await t.store.append(id, events, { expectedVersion: 0 })
        equal(version, 2, `the version of the new stream ${JSON.stringify(id)}`)
      }
      const all = await t.store.readAll().toArray()
      for (const id of ids) {
        const stream = await t.store.readStream(id).toArray()
        equal(stream.length, 2, `events of ${JSON.stringify(id)}`)
        sameEvents(
          stream,
          all.filter((e) => e.streamId === id),
          `${JSON.stringify(id)} and its part of the global order`,
        )
      }
    },
  },
  {
    id: 'LIMIT-1/wrong-stream-ids',
    rule: 'LIMIT-1',
    title: 'a stream id outside the envelope is refused by every call that takes one',
    async run(t) {
      const before = await writeOthers(t.store)
      for (const [what, wrong, code] of wrongStreamIds) {
        const id = wrong as string
        const calls: Record<string, () => unknown> = {
          append: () => t.store.append(id, drafts(1)),
          readStream: () => t.store.readStream(id).toArray(),
          streamVersion: () => t.store.streamVersion(id),
          subscribeToStream: () => t.store.subscribeToStream(id)[Symbol.asyncIterator]().next(),
          'snapshots.load': () => t.store.snapshots.load(id),
          'snapshots.save': () => t.store.snapshots.save({ streamId: id, version: 1, state: 1 }),
        }
        for (const [name, call] of Object.entries(calls))
          await fails(async () => call(), code, `${name} with ${what} as stream id`)
      }
      sameEvents(await t.store.readAll().toArray(), before, 'all events after the refusals')
    },
  },
  {
    id: 'LIMIT-1/events-of-an-append',
    rule: 'LIMIT-1',
    title: 'an append of 1,000 events works, one of 1,001 is refused whole',
    async run(t) {
      await writeOthers(t.store)
      const events = drafts(1000)
      const { version } = await t.store.append('Order-1', events, { expectedVersion: 0 })
      equal(version, 1000, 'the version after an append of 1,000')
      equal(
        idsOf(await t.store.readStream('Order-1').toArray()),
        idsOf(events),
        'the ids of the stream',
      )
      const error = await fails(
        t.store.append('Order-1', drafts(1001), { expectedVersion: 1000 }),
        'TOO_LARGE',
        'an append of 1,001 events',
      )
      equal([error.actual, error.maximum], [1001, 1000], 'what the refusal tells')
      equal(await t.store.streamVersion('Order-1'), 1000, 'the version after the refusal')
    },
  },
  {
    id: 'LIMIT-1/bytes-of-an-event',
    rule: 'LIMIT-1',
    title:
      'an event of exactly 256 KiB works, in data, in bytes and in metadata; one byte more is refused',
    async run(t) {
      await writeOthers(t.store)
      let version = 0
      for (const where of ['data', 'bytes', 'metadata'] as const) {
        const largest = sized(256 * KiB, where)
        await t.store.append('Order-1', [largest], { expectedVersion: version })
        version++
        const [last] = await t.store
          .readStream('Order-1', { direction: 'backwards', limit: 1 })
          .toArray()
        equal(last?.data, largest.data, `256 KiB in ${where}: data`)
        equal(last?.metadata, largest.metadata, `256 KiB in ${where}: metadata`)
        await fails(
          t.store.append('Order-1', [draft(), sized(256 * KiB + 1, where)], {
            expectedVersion: version,
          }),
          'TOO_LARGE',
          `an event of 256 KiB and a byte in ${where}`,
        )
        equal(await t.store.streamVersion('Order-1'), version, 'the version after the refusal')
      }
    },
  },
  {
    id: 'LIMIT-1/bytes-of-an-append',
    rule: 'LIMIT-1',
    title: 'an append of exactly 896 KiB works, one byte more is refused whole',
    async run(t) {
      await writeOthers(t.store)
      const full = () => [
        ...['data', 'metadata', 'bytes'].map((w) => sized(256 * KiB, w as 'data')),
        sized(100 * KiB, 'bytes'),
      ]
      const largest = [...full(), sized(28 * KiB, 'data')]
      equal(
        largest.reduce((sum, e) => sum + sizeOf(e), 0),
        896 * KiB,
        'the size that this case means',
      )
      const { version } = await t.store.append('Order-1', largest, { expectedVersion: 0 })
      equal(version, 5, 'the version after an append of 896 KiB')
      for (const [i, event] of (await t.store.readStream('Order-1').toArray()).entries())
        equal(event.data, largest[i]?.data, `data of event ${i + 1} of an append of 896 KiB`)
      await fails(
        t.store.append('Order-1', [...full(), sized(28 * KiB + 1, 'data')]),
        'TOO_LARGE',
        'an append of 896 KiB and a byte',
      )
      equal(await t.store.streamVersion('Order-1'), 5, 'the version after the refusal')
    },
  },
  {
    id: 'LIMIT-1/types',
    rule: 'LIMIT-1',
    title: 'an event type has up to 255 bytes',
    async run(t) {
      await writeOthers(t.store)
      const types = ['T', 't'.repeat(255), `${'é'.repeat(127)}x`, '注'.repeat(85)]
      await t.store.append(
        'Order-1',
        types.map((type) => draft({ type })),
      )
      for (const type of types)
        equal(
          (await t.store.readAll({ filter: { types: [type] } }).toArray()).map((e) => e.type),
          [type],
          'the event selected by its long type',
        )
      await fails(
        t.store.append('Order-1', [draft({ type: 'é'.repeat(128) })]),
        'TOO_LARGE',
        'a type of 256 bytes',
      )
    },
  },
  {
    id: 'LIMIT-1/nothing-sent',
    rule: 'LIMIT-1',
    title: 'nothing is sent for what is outside the envelope',
    hooks: ['requestCount'],
    async run(t) {
      await writeOthers(t.store)
      const requests = t.hook('requestCount')
      const before = await requests()
      for (const [what, id, code] of wrongStreamIds)
        await fails(
          async () => t.store.append(id as string, drafts(1)),
          code,
          `${what} as stream id`,
        )
      const tooLarge: readonly NewEvent[][] = [drafts(1001), [sized(256 * KiB + 1, 'data')]]
      for (const events of tooLarge)
        await fails(t.store.append('Order-1', events), 'TOO_LARGE', 'what is too large')
      equal((await requests()) - before, 0, 'requests for refused appends')
    },
  },
  {
    id: 'LIMIT-1/limits',
    rule: 'LIMIT-1',
    title: 'limits tells the portable envelope, and with the option the backend’s own, never less',
    async run(t) {
      await t.store.headPosition()
      equal({ ...t.store.limits }, { ...portableLimits }, 'limits by default')
      const portable = await t.another({ limits: 'portable' })
      equal({ ...portable.limits }, { ...portableLimits }, "limits with 'portable'")
      const backend = await t.another({ limits: 'backend' })
      await backend.headPosition()
      for (const key of Object.keys(portableLimits) as (keyof typeof portableLimits)[])
        ok(
          backend.limits[key] >= portableLimits[key],
          `${key} with limits: 'backend'`,
          `at least ${portableLimits[key]}`,
          backend.limits[key],
        )
      await backend.append('Order-1', drafts(1), { expectedVersion: 0 })
      equal(await t.store.streamVersion('Order-1'), 1, 'a stream written under backend limits')
    },
  },
]
