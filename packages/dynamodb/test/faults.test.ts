import { randomUUID } from 'node:crypto'
import type { EventStore } from '@annals/core'
import { dynamoDbStore } from '@annals/dynamodb'
import { startDynamoDb } from '@annals/test-servers'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import type { Key } from '../src/keys.js'
import { faults, strikeAt } from './support/faults.js'
import { stale } from './support/stale.js'
import { type Call, clientOf, type Send, Wire } from './support/wire.js'

const server = await startDynamoDb()
const opened: { store: EventStore; close(): void }[] = []
afterEach(async () => {
  for (const { store, close } of opened.splice(0)) {
    await store.close()
    close()
  }
})
afterAll(() => server.stop())

function open(table: string, wire = new Wire(), gracePeriodMs = 100): EventStore {
  const client = clientOf(server, wire)
  const store = dynamoDbStore({ table, client, gracePeriodMs })
  opened.push({ store, close: () => client.destroy() })
  return store
}

async function freshTable(): Promise<string> {
  const table = `faults-${randomUUID()}`
  await open(table).migrate()
  return table
}

const id = (n: number) => `00000000-0000-4000-8000-${n.toString().padStart(12, '0')}`
const event = (n: number, size = 10) => ({ id: id(n), type: 'Happened', data: 'x'.repeat(size) })

/** Another handle appends three events: one that rides in its slot, one that does not, one in parts. */
async function fill(table: string): Promise<void> {
  const store = open(table)
  await store.append('Full-1', [event(1)], { expectedVersion: 0 })
  await store.append('Full-1', [event(2, 3000)], { expectedVersion: 1 })
  await store.append('Full-1', [event(3, 200_000), event(4, 200_000)], { expectedVersion: 2 })
}

interface Operation {
  readonly prepare?: (table: string) => Promise<void>
  readonly run: (store: EventStore) => Promise<unknown>
}

const afterwards = async (table: string, streamId: string) => {
  const store = open(table)
  const stream = await store.readStream(streamId).toArray()
  const all = await store.readAll().toArray()
  expect(all.filter((each) => each.streamId === streamId).map((each) => each.id)).toEqual(
    stream.map((each) => each.id),
  )
  return stream.map((each) => each.id)
}

const appends: Record<string, Operation> = {
  'an append to a new stream': {
    run: (store) => store.append('Order-1', [event(1), event(2)], { expectedVersion: 0 }),
  },
  "an append with 'any'": {
    run: (store) => store.append('Order-1', [event(1), event(2)]),
  },
  'an append behind what another process wrote, in parts': {
    prepare: async (table) => {
      await open(table).append('Order-1', [event(9)], { expectedVersion: 0 })
    },
    run: (store) =>
      store.append('Order-1', [event(1, 250_000), event(2, 250_000)], { expectedVersion: 1 }),
  },
  'an append to several streams': {
    run: (store) =>
      store.appendToStreams([
        { streamId: 'Order-1', events: [event(1), event(2)], expectedVersion: 0 },
        { streamId: 'Bill-1', events: [event(3)], expectedVersion: 'any' },
      ]),
  },
}

describe.each(Object.entries(appends))('%s', (_, { prepare, run }) => {
  it.each(Object.entries(faults))(
    'meets a fault at each of its requests: %s',
    async (__, fault) => {
      for (let nth = 1; ; nth++) {
        const table = await freshTable()
        await prepare?.(table)
        const wire = new Wire()
        const store = open(table, wire)
        const strike = strikeAt(nth, fault)
        wire.rule(strike.rule)
        const result = await run(store)
        // The result is the truth: a repeat, told the same, gets the same.
        wire.clear()
        expect(await run(store)).toEqual(result)
        const ids = await afterwards(table, 'Order-1')
        expect(ids.slice(-2)).toEqual([id(1), id(2)])
        expect(new Set(ids).size).toBe(ids.length)
        if (strike.seen() < nth) return
      }
    },
  )
})

const reads: Record<string, (store: EventStore) => Promise<unknown>> = {
  'reading a stream': async (store) =>
    (await store.readStream('Full-1').toArray()).map((each) => each.id),
  'reading a stream backwards': async (store) =>
    (await store.readStream('Full-1', { direction: 'backwards' }).toArray())
      .map((each) => each.id)
      .reverse(),
  'reading all': async (store) => (await store.readAll().toArray()).map((each) => each.id),
  'reading all backwards': async (store) =>
    (await store.readAll({ direction: 'backwards' }).toArray()).map((each) => each.id).reverse(),
}

describe.each(Object.entries(reads))('%s', (_, read) => {
  const expected = [id(1), id(2), id(3), id(4)]

  it('meets every fault at each of its requests', async () => {
    const table = await freshTable()
    await fill(table)
    for (const fault of Object.values(faults)) {
      for (let nth = 1; ; nth++) {
        const wire = new Wire()
        const strike = strikeAt(nth, fault)
        wire.rule(strike.rule)
        expect(await read(open(table, wire))).toEqual(expected)
        if (strike.seen() < nth) break
      }
    }
  })

  it('gets pages that are cut after each item, and keys that are put off', async () => {
    const table = await freshTable()
    await fill(table)
    const wire = new Wire()
    let putOff = 0
    // Queries end at 1 MB; here they end at every item.
    wire.change(({ operation, input }) => {
      if (operation === 'Query') input.Limit = 1
    })
    wire.rule(async (call, send) => {
      if (call.operation !== 'BatchGetItem') return send()
      const [[name, asked]] = Object.entries(call.input.RequestItems) as [[string, { Keys: Key[] }]]
      const answer = await send()
      if (asked.Keys.length === 1 || putOff > 8) return answer
      putOff++
      // As DynamoDB does above 16 MB, or when a partition is throttled: some now, the others later.
      const [, ...later] = asked.Keys
      const now = answer.Responses[name].filter((item: { SK: { S: string } }) =>
        later.every((key) => key.SK.S !== item.SK.S),
      )
      return { ...answer, Responses: { [name]: now }, UnprocessedKeys: { [name]: { Keys: later } } }
    })
    expect(await read(open(table, wire))).toEqual(expected)
  })

  it('sees the parts of a transaction one by one', async () => {
    const table = await freshTable()
    await fill(table)
    // Each item is hidden from queries and batches the first times it would be given; DynamoDB promises no more while a
    // transaction is being applied. Single reads are serializable and see it.
    for (const hidden of ['p#', 'v#', '0000000000000002']) {
      const wire = new Wire()
      const looks = new Map<string, number>()
      const hide = (items: { SK: { S: string } }[] = []) =>
        items.filter(({ SK }) => {
          if (!SK.S.startsWith(hidden)) return true
          const look = (looks.get(SK.S) ?? 0) + 1
          looks.set(SK.S, look)
          // The last record of a stream that is not visible yet is simply not there; all others are committed and known.
          return hidden === 'v#' ? look > 2 || SK.S === 'v#0000000000000001' : look > 2
        })
      wire.rule((call, send) => hiding(call, send, hide))
      const ids = (await read(open(table, wire, 10_000))) as string[]
      // A stream whose newest append is not visible yet may end before it, but never has a gap.
      expect(ids).toEqual(expected.slice(0, ids.length))
      if (hidden !== 'v#') expect(ids).toEqual(expected)
    }
  })

  it('trusts no read that is not strongly consistent', async () => {
    const table = await freshTable()
    await fill(table)
    const wire = new Wire()
    wire.rule(stale)
    const store = open(table, wire)
    expect(await read(store)).toEqual(expected)
    expect(await read(store)).toEqual(expected)
  })
})

async function hiding(
  { operation }: Call,
  send: Send,
  hide: (items?: { SK: { S: string } }[]) => unknown[],
): ReturnType<Send> {
  const answer = await send()
  if (operation === 'Query') return { ...answer, Items: hide(answer.Items) }
  if (operation !== 'BatchGetItem') return answer
  const responses = Object.entries<{ SK: { S: string } }[]>(answer.Responses)
  return {
    ...answer,
    Responses: Object.fromEntries(responses.map(([name, items]) => [name, hide(items)])),
  }
}

describe('an append', () => {
  it('is not retried by the SDK below the store', async () => {
    const table = await freshTable()
    const wire = new Wire()
    let sent = 0
    wire.rule(async ({ operation }, send) => {
      if (operation !== 'UpdateItem') return send()
      sent++
      throw Object.assign(new Error('busy'), {
        name: 'ThrottlingException',
        $retryable: { throttling: true },
        $metadata: { httpStatusCode: 400 },
      })
    })
    const client = clientOf(server, wire)
    const store = dynamoDbStore({ table, client, retryBudgetMs: 0 })
    opened.push({ store, close: () => client.destroy() })
    await expect(store.append('Order-1', [event(1)])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(sent).toBe(1)
  })

  it('is given up, and its ticket filled, when it gets no answer in time', async () => {
    const table = await freshTable()
    const wire = new Wire()
    const client = clientOf(server, wire)
    const store = dynamoDbStore({ table, client, requestTimeoutMs: 200 })
    opened.push({ store, close: () => client.destroy() })
    let hung = false
    wire.rule(async ({ operation }, send) => {
      if (operation !== 'TransactWriteItems' || hung) return send()
      hung = true
      return new Promise(() => {})
    })
    const result = await store.append('Order-1', [event(1)], { expectedVersion: 0 })
    expect(result.version).toBe(1)
    expect(await afterwards(table, 'Order-1')).toEqual([id(1)])
  })

  it('that is aborted lets go of its request at once, and a repeat finds out', async () => {
    const table = await freshTable()
    const wire = new Wire()
    const store = open(table, wire)
    const controller = new AbortController()
    wire.rule(async ({ operation }, send) => {
      if (operation !== 'TransactWriteItems') return send()
      const answer = await send()
      controller.abort()
      await new Promise(() => {})
      return answer
    })
    await expect(
      store.append('Order-1', [event(1)], { expectedVersion: 0, signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'ABORTED' })
    wire.clear()
    const repeat = await store.append('Order-1', [event(1)], { expectedVersion: 0 })
    expect(repeat.version).toBe(1)
    expect(await afterwards(table, 'Order-1')).toEqual([id(1)])
  })

  it('that a reader fences goes again with another ticket', async () => {
    const table = await freshTable()
    const wire = new Wire()
    const slow = open(table, wire)
    const other = open(table, new Wire(), 0)
    let fenced = false
    wire.rule(async ({ operation }, send) => {
      if (operation === 'TransactWriteItems' && !fenced) {
        fenced = true
        await other.append('Order-2', [event(2)], { expectedVersion: 0 })
        expect((await other.readAll().toArray()).map((each) => each.id)).toEqual([id(2)])
      }
      return send()
    })
    await slow.append('Order-1', [event(1)], { expectedVersion: 0 })
    expect((await other.readAll().toArray()).map((each) => each.id)).toEqual([id(2), id(1)])
  })

  it('to more streams than a transaction has actions for is refused whole', async () => {
    const store = open(await freshTable())
    const many = (count: number, expectedVersion: 0 | 'any') =>
      store.appendToStreams(
        Array.from({ length: count }, (_, i) => ({
          streamId: `Order-${count}-${i}`,
          events: [event(i)],
          expectedVersion,
        })),
      )
    expect(await many(99, 0)).toHaveLength(99)
    expect(await many(49, 'any')).toHaveLength(49)
    await expect(many(100, 0)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await expect(many(50, 'any')).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(await store.streamVersion('Order-100-0')).toBe(0)
  })
})
