import { describe, expect, it } from 'vitest'
import { type EventStore, isEventStoreError, memoryStore, newEventId } from '../src/index.js'

const refused = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => undefined,
    (e: unknown) => e,
  )
  if (!isEventStoreError(error)) throw new Error(`not refused, or not properly: ${String(error)}`)
  return error
}
const append = (store: EventStore, data: unknown, metadata?: never) =>
  store.append('A-1', [{ type: 'T', data, metadata }])

describe('data that would not come back equal', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  let deep: unknown = 1
  for (let i = 0; i < 2000; i++) deep = [deep]

  it.each([
    ['undefined', undefined, 'events[0].data is undefined'],
    ['a hole', { list: [1, undefined] }, 'events[0].data.list[1] is undefined'],
    ['NaN', { a: { b: Number.NaN } }, 'events[0].data.a.b is NaN'],
    ['Infinity', Number.POSITIVE_INFINITY, 'events[0].data is Infinity'],
    ['a bigint', { n: 1n }, 'events[0].data.n is a bigint'],
    ['a function', { toJSON: () => 1 }, 'events[0].data.toJSON is a function'],
    ['a date', { at: new Date(0) }, 'events[0].data.at is a Date'],
    ['a map', new Map(), 'events[0].data is a Map'],
    ['bytes inside JSON', { b: new Uint8Array(1) }, 'events[0].data.b is a Uint8Array'],
    ['a cycle', cyclic, 'nested deeper than 1000 levels, or refers to itself'],
    ['a bottomless pit', deep, 'nested deeper than 1000 levels'],
  ])('is refused with its path: %s', async (_name, data, message) => {
    const store = memoryStore()
    const error = await refused(append(store, data))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).toContain(message)
    expect(await store.headPosition()).toBeNull()
  })

  it('leaves out properties that are undefined, as JSON does', async () => {
    const store = memoryStore()
    await append(store, { kept: 1, left: undefined })
    expect((await store.readStream('A-1').toArray())[0]?.data).toStrictEqual({ kept: 1 })
  })

  it('takes objects without a prototype and keys named __proto__', async () => {
    const store = memoryStore()
    const data = JSON.parse('{"__proto__":{"x":1},"constructor":2}')
    await append(store, Object.assign(Object.create(null), { a: 1 }))
    await append(store, data)
    const events = await store.readStream('A-1').toArray()
    expect(events[0]?.data).toEqual({ a: 1 })
    expect(JSON.stringify(events[1]?.data)).toBe(JSON.stringify(data))
  })

  it.each([
    ['a list', []],
    ['bytes', new Uint8Array(2)],
    ['text', 'text'],
    ['null', null],
  ])('refuses metadata that is %s', async (_name, metadata) => {
    const error = await refused(append(memoryStore(), 1, metadata as never))
    expect(error.message).toContain('events[0].metadata must be a JSON object')
  })
})

describe('arguments', () => {
  const calls: [string, string, (store: EventStore) => Promise<unknown>][] = [
    ['streamId', 'empty', (s) => s.append('', [{ type: 'T', data: 1 }])],
    ['streamId', 'with a control character', (s) => s.streamVersion('A-\u0007')],
    ['streamId', 'with a lone surrogate', (s) => s.readStream('A-\ud800').toArray()],
    ['streamId', 'of the system', (s) => s.append('$all', [{ type: 'T', data: 1 }])],
    ['events', 'empty', (s) => s.append('A-1', [])],
    ['events[0].type', 'empty', (s) => s.append('A-1', [{ type: '', data: 1 }])],
    ['events[0].type', 'of the system', (s) => s.append('A-1', [{ type: '$x', data: 1 }])],
    ['events[0].id', 'no UUID', (s) => s.append('A-1', [{ type: 'T', data: 1, id: 'x' }])],
    [
      'expectedVersion',
      'negative',
      (s) => s.append('A-1', [{ type: 'T', data: 1 }], { expectedVersion: -1 }),
    ],
    [
      'expectedVersion',
      'a fraction',
      (s) => s.append('A-1', [{ type: 'T', data: 1 }], { expectedVersion: 1.5 }),
    ],
    ['fromVersion', 'zero', (s) => s.readStream('A-1', { fromVersion: 0 }).toArray()],
    ['limit', 'negative', (s) => s.readAll({ limit: -1 }).toArray()],
    ['direction', 'unknown', (s) => s.readAll({ direction: 'sideways' as never }).toArray()],
    ['after', 'of another store', (s) => s.readAll({ after: 'pg1-00' }).toArray()],
    ['after', 'a word', (s) => s.readAll({ after: 'end' }).toArray()],
    ['filter.types', 'empty', (s) => s.readAll({ filter: { types: [] } }).toArray()],
    ['filter.kind', 'unknown', (s) => s.readAll({ filter: { kind: ['x'] } as never }).toArray()],
    [
      'afterVersion',
      'negative',
      async (s) => {
        for await (const _ of s.subscribeToStream('A-1', { afterVersion: -1 })) break
      },
    ],
    ['position', 'foreign', (s) => s.checkpoints.save('sub', 'pg1-00')],
    ['subscriptionId', 'empty', (s) => s.checkpoints.load('')],
    [
      'snapshot.version',
      'zero',
      (s) => s.snapshots.save({ streamId: 'A-1', version: 0, state: 1 }),
    ],
    [
      'snapshot.state',
      'a date',
      (s) => s.snapshots.save({ streamId: 'A-1', version: 1, state: new Date() }),
    ],
    [
      'appends',
      'twice one stream',
      (s) =>
        s.appendToStreams([
          { streamId: 'A-1', events: [{ type: 'T', data: 1 }] },
          { streamId: 'A-1', events: [{ type: 'T', data: 1 }] },
        ]),
    ],
  ]
  it.each(calls)('%s %s is refused', async (argument, _problem, call) => {
    const error = await refused(call(memoryStore()))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', argument })
  })

  it('refuses one id twice in an append, whatever its case', async () => {
    const id = newEventId()
    const error = await refused(
      memoryStore().append('A-1', [
        { type: 'T', data: 1, id },
        { type: 'T', data: 2, id: id.toUpperCase() },
      ]),
    )
    expect(error.message).toContain('events[1].id is in this append twice')
  })

  it('counts data, metadata and type against the limits of the envelope, unless the backend’s are asked for', async () => {
    const data = 'x'.repeat(256 * 1024 - 2 - 2 - 1)
    const portable = memoryStore()
    await append(portable, data)
    const error = await refused(append(portable, `${data}y`))
    expect(error).toMatchObject({ code: 'TOO_LARGE', limit: 'maxEventBytes', actual: 262_145 })
    await append(memoryStore({ limits: 'backend' }), `${data}y`)
  })
})
