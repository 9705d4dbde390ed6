import { randomUUID } from 'node:crypto'
import type { EventStore } from '@annals/core'
import { dynamoDbStore } from '@annals/dynamodb'
import { startDynamoDb } from '@annals/test-servers'
import { CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, expect, it } from 'vitest'
import { tableDefinition } from '../src/schema.js'
import { untilSettled } from './support/until-settled.js'
import { clientOf, Wire } from './support/wire.js'

// The figures of docs/dynamodb.md, "What an operation costs": what the server itself reports as consumed. What DynamoDB Local
// reports of a transaction is wrong (the same for one item as for three), so each item of a transaction is put once more,
// by itself, into a scratch table, and counts twice, as the published rule for transactions has it.

const server = await startDynamoDb()
const scratch = clientOf(server)
await scratch.send(new CreateTableCommand({ TableName: 'scratch', ...tableDefinition }))
afterAll(() => server.stop())

interface Used {
  readonly write: number
  readonly read: number
  readonly requests: number
}

/** A fresh table, and what each operation on it consumes. */
async function open(): Promise<{
  table: string
  store: EventStore
  another(): EventStore
  used<T>(work: () => Promise<T>): Promise<Used>
}> {
  const table = `capacity-${randomUUID()}`
  let write = 0
  let read = 0
  let requests = 0
  const wire = new Wire()
  wire.change(({ input }) => {
    input.ReturnConsumedCapacity = 'TOTAL'
  })
  wire.rule(async ({ operation, input }, send) => {
    requests++
    const answer = await send()
    if (operation === 'TransactWriteItems') {
      for (const { Put } of input.TransactItems) {
        const alone = await scratch.send(
          new PutItemCommand({
            TableName: 'scratch',
            Item: Put.Item,
            ReturnConsumedCapacity: 'TOTAL',
          }),
        )
        write += 2 * alone.ConsumedCapacity!.CapacityUnits!
      }
      return answer
    }
    const units = [answer.ConsumedCapacity ?? []]
      .flat()
      .reduce((sum: number, each: { CapacityUnits: number }) => sum + each.CapacityUnits, 0)
    if (/^(Get|Query|BatchGet)/.test(operation)) read += units
    else write += units
    return answer
  })
  const another = () => dynamoDbStore({ table, client: clientOf(server, wire) })
  const store = another()
  await store.migrate()
  return {
    table,
    store,
    another,
    async used(work) {
      write = 0
      read = 0
      requests = 0
      await work()
      return { write, read, requests }
    },
  }
}

const rows: string[] = []
const row = (name: string, { write, read, requests }: Used) =>
  rows.push(`| ${name} | ${write} | ${read} | ${requests} |`)
afterAll(() => console.log(['', ...rows].join('\n')))

const event = (bytes: number) => ({ type: 'Happened', data: 'x'.repeat(bytes), metadata: {} })
const events = (count: number, bytes: number) => Array.from({ length: count }, () => event(bytes))

it('appends', async () => {
  const { store, another, used } = await open()
  const appended = async (name: string, work: () => Promise<unknown>) => {
    const units = await used(work)
    row(name, units)
    return units
  }
  const n = { expectedVersion: 0 }
  expect(
    await appended('append, 1 event of 300 bytes, a number', () =>
      store.append('Order-1', [event(300)], n),
    ),
  ).toEqual({ write: 5, read: 0, requests: 2 })
  expect(
    await appended("append, 1 event of 300 bytes, 'any' on a stream seen before", () =>
      store.append('Order-1', [event(300)]),
    ),
  ).toEqual({ write: 7, read: 0, requests: 2 })
  expect(
    await appended('append, 1 event of 300 bytes, to a stream not seen before', () =>
      another().append('Order-1', [event(300)], { expectedVersion: 2 }),
    ),
  ).toEqual({ write: 5, read: 1, requests: 3 })
  expect(
    await appended('append, 3 events of 1,000 bytes', () =>
      store.append('Order-2', events(3, 1000), n),
    ),
  ).toEqual({ write: 11, read: 0, requests: 2 })
  const large = await appended('append, 100 events of 1,000 bytes', () =>
    store.append('Order-3', events(100, 1000), n),
  )
  expect(large.write).toBeLessThan(1 + 2 * 110 + 2 + 2)
  expect(
    await appended('append to 10 streams, 1 event of 100 bytes each', () =>
      store.appendToStreams(
        Array.from({ length: 10 }, (_, i) => ({
          streamId: `Multi-${i}`,
          events: [event(100)],
          expectedVersion: 0,
        })),
      ),
    ),
  ).toEqual({ write: 1 + 10 * 2 + 2, read: 0, requests: 2 })
  const sixteen = await appended('16 appends at once, 1 event of 300 bytes each', () =>
    Promise.all(Array.from({ length: 16 }, (_, i) => store.append(`Many-${i}`, [event(300)], n))),
  )
  expect(sixteen.write).toBeLessThanOrEqual(16 * 4 + 2)
  row(
    'a conflict',
    await used(() =>
      another()
        .append('Order-1', [event(1)], { expectedVersion: 1 })
        .catch(() => {}),
    ),
  )
})

it('the payload rides in the slot up to 1 KB, at no price', async () => {
  // The same append costs the same until the slot is full, then the slot drops its payload and costs no more.
  const { store, used } = await open()
  const costs: Used[] = []
  for (let bytes = 700; bytes <= 1100; bytes += 25) {
    costs.push(
      await used(() => store.append(`Order-${bytes}`, [event(bytes)], { expectedVersion: 0 })),
    )
  }
  for (const { write } of costs) expect(write === 5 || write === 7).toBe(true)
  expect(costs[0]!.write).toBe(5)
  expect(costs.at(-1)!.write).toBe(7)
})

it('reads of a stream', async () => {
  const { store, used } = await open()
  for (let i = 0; i < 100; i++) {
    await store.append('Order-1', [event(300)], { expectedVersion: i })
  }
  const whole = await used(() => store.readStream('Order-1').toArray())
  row('read a stream of 100 events of 300 bytes', whole)
  expect(whole.read).toBeLessThanOrEqual(13)
  const last = await used(() =>
    store.readStream('Order-1', { direction: 'backwards', limit: 1 }).toArray(),
  )
  row('read its last event', last)
  expect(last).toEqual({ write: 0, read: 1, requests: 1 })
  const from = await used(() => store.readStream('Order-1', { fromVersion: 91 }).toArray())
  row('read its last 10 events, from version 91', from)
  expect(from.read).toBeLessThanOrEqual(3)
  row('streamVersion', await used(() => store.streamVersion('Order-1')))
})

it('reads of all, with the payload in the slot and apart', { timeout: 300_000 }, async () => {
  for (const [name, bytes] of [
    ['300 bytes (in their slots)', 300],
    ['600 bytes (in their slots)', 600],
    ['900 bytes (apart)', 900],
  ] as const) {
    const { table, store, another, used } = await open()
    await Promise.all(
      Array.from({ length: 32 }, async (_, writer) => {
        for (let i = 0; i < 32; i++) {
          await store.append(`Order-${writer}`, [event(bytes)], { expectedVersion: i })
        }
      }),
    )
    // Some reader has been here before, and left the mark.
    await store.readAll().toArray()
    await untilSettled(scratch, table, 1024 - 255)
    const reader = another()
    const all = await used(() => reader.readAll().toArray())
    row(`read all, 1,024 events of ${name}`, all)
    const filtered = await used(() =>
      another()
        .readAll({ filter: { types: ['Never'] } })
        .toArray(),
    )
    row(`the same with a filter that none passes`, filtered)
    if (bytes === 300) {
      // 56 for the slots, and more where the mark lags behind: twice as much for up to 255 of them.
      expect(all.read).toBeLessThan(80)
      const head = (await reader.headPosition())!
      const idle = await used(() => reader.readAll({ after: head }).toArray())
      row('read all from the head, first time', idle)
    }
  }
})

it('a poll of an idle subscription', async () => {
  const { store, used } = await open()
  await store.append('Order-1', [event(300)])
  let place: string | undefined
  for await (const message of store.subscribeToAll()) {
    if (message.kind === 'caughtUp') {
      place = message.position
      break
    }
  }
  // What a subscription does once a second while nothing comes.
  const poll = await used(() => store.readAll({ after: place }).toArray())
  row('a poll of an idle subscription, at most one a second', poll)
  expect(poll).toEqual({ write: 0, read: 1, requests: 1 })
})

it('checkpoints and snapshots', async () => {
  const { store, used } = await open()
  const { position } = await store.append('Order-1', [event(300)])
  row('save a checkpoint', await used(() => store.checkpoints.save('mailer', position)))
  row('load a checkpoint', await used(() => store.checkpoints.load('mailer')))
  row(
    'save a snapshot of 3 KB',
    await used(() =>
      store.snapshots.save({ streamId: 'Order-1', version: 1, state: 'x'.repeat(3000) }),
    ),
  )
  row('load a snapshot of 3 KB', await used(() => store.snapshots.load('Order-1')))
  row('headPosition', await used(() => store.headPosition()))
})
