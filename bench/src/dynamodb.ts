// The program behind `pnpm bench dynamodb [--quick]`: the DynamoDB store beside bare requests and
// Castore, on one DynamoDB Local in memory, in turns.
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { type EventStore, newEventId } from '@annals/core'
import { dynamoDbStore } from '@annals/dynamodb'
import { startDynamoDb } from '@annals/test-servers'
import {
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb'
import { describeMachine, loadNow } from './machine.js'
import {
  drive,
  p50,
  perSecond,
  type Ratio,
  ratio,
  type Sample,
  type SideBySide,
  sample,
  sideBySide,
  summarise,
} from './measure.js'
import { type Goal, goalTable, markdownOf, type Section, writeResults } from './report.js'

const quick = process.argv.includes('--quick')
const rounds = quick ? 1 : 5
const annals = 'Annals'
const castore = 'Castore'
const barePut = 'bare PutItem'
const bareTransaction = 'bare TransactWriteItems of three'

/** Some 200 bytes of JSON, as an application's event may have. */
const data = {
  orderId: '7f3c',
  customer: 'C-1042',
  lines: [{ sku: 'A-17', quantity: 3, cents: 1299 }],
  note: 'x'.repeat(80),
}
const metadata = { correlationId: '0190a1b2-0000-7000-8000-000000000001' }
const event = () => ({ type: 'OrderPlaced', data, metadata })

const server = await startDynamoDb()
const { endpoint, region, credentials } = server
const newClient = () => new DynamoDBClient({ endpoint, region, credentials })
const client = newClient()
const store: EventStore = dynamoDbStore({ table: 'annals', client })
await store.migrate()

const keys = {
  AttributeDefinitions: [
    { AttributeName: 'PK', AttributeType: 'S' as const },
    { AttributeName: 'SK', AttributeType: 'S' as const },
  ],
  KeySchema: [
    { AttributeName: 'PK', KeyType: 'HASH' as const },
    { AttributeName: 'SK', KeyType: 'RANGE' as const },
  ],
  BillingMode: 'PAY_PER_REQUEST' as const,
}
await client.send(new CreateTableCommand({ TableName: 'bare', ...keys }))
// The table of Castore's documentation, its index for the list of aggregates included.
await client.send(
  new CreateTableCommand({
    TableName: 'castore',
    AttributeDefinitions: [
      { AttributeName: 'aggregateId', AttributeType: 'S' },
      { AttributeName: 'version', AttributeType: 'N' },
      { AttributeName: 'eventStoreId', AttributeType: 'S' },
      { AttributeName: 'timestamp', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'aggregateId', KeyType: 'HASH' },
      { AttributeName: 'version', KeyType: 'RANGE' },
    ],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'initialEvents',
        KeySchema: [
          { AttributeName: 'eventStoreId', KeyType: 'HASH' },
          { AttributeName: 'timestamp', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'ALL' },
      },
    ],
    BillingMode: 'PAY_PER_REQUEST',
  }),
)
const adapter = new DynamoDBSingleTableEventStorageAdapter({
  tableName: 'castore',
  dynamoDBClient: client,
})

const goals: Goal[] = []
function goal(what: string, of: Ratio, atLeast: number): void {
  goals.push({
    what,
    aim: { atLeast },
    measured: of.median,
    lowest: of.lowest,
    highest: of.highest,
  })
}

function rows(what: string, results: SideBySide): (string | number)[][] {
  return [...results].map(([name, samples]) => {
    const { perSecond, p50, p99 } = summarise(samples)
    return [what, name, perSecond, p50, p99]
  })
}

async function section(
  id: string,
  title: string,
  notes: readonly string[],
  work: () => Promise<{ columns: string[]; rows: (string | number)[][] }>,
): Promise<Section> {
  process.stderr.write(`${title}\n`)
  const loadBefore = loadNow()
  const began = performance.now()
  const before = goals.length
  const table = await work()
  return {
    id,
    title,
    notes,
    tables: [{ title, ...table }],
    plots: [],
    goals: goals.slice(before),
    measuredAt: new Date().toISOString(),
    seconds: (performance.now() - began) / 1000,
    loadBefore,
  }
}

const columns = ['', '', 'per second', 'p50 ms', 'p99 ms']
const stringItem = (pk: string, sk: string, payload: string) => ({
  PK: { S: pk },
  SK: { S: sk },
  d: { S: payload },
})
const payload = JSON.stringify({ ...event(), id: newEventId() })
const put = (pk: string, sk: string, text: string) => ({
  TableName: 'bare',
  Item: stringItem(pk, sk, text),
  ConditionExpression: 'attribute_not_exists(PK)',
})
/** What three items of an append weigh: two with the event, one of a few bytes. */
const transaction = (stream: string, i: number) =>
  client.send(
    new TransactWriteItemsCommand({
      TransactItems: [
        { Put: put(stream, `e${i}`, payload) },
        { Put: put(`l${stream}`, `e${i}`, payload) },
        { Put: put(`h${stream}`, `e${i}`, '') },
      ],
    }),
  )

const appends = () =>
  section(
    'dynamodb-appends',
    'Appends',
    [
      'One event an append, each writer to a stream of its own, with the version it expects.',
      'Castore writes one PutItem on the condition that the version is free, and keeps no order between streams: beside it stands what a total order costs, a ticket and a transaction. An append of ten events is one transaction for Annals; Castore has no call for several events of one aggregate, so it makes ten, one after the other, and not atomically.',
    ],
    async () => {
      const all: (string | number)[][] = []
      for (const workers of [1, 16, 64]) {
        const load = { workers, milliseconds: quick ? 300 : 1500 }
        const results = await sideBySide<Sample>(
          [
            {
              name: annals,
              run: () => {
                const run = randomUUID()
                return drive({
                  ...load,
                  work: (w, i) => store.append(`A-${run}-${w}`, [event()], { expectedVersion: i }),
                })
              },
            },
            {
              name: bareTransaction,
              run: () => {
                const run = randomUUID()
                return drive({ ...load, work: (w, i) => transaction(`${run}-${w}`, i) })
              },
            },
            {
              name: barePut,
              run: () => {
                const run = randomUUID()
                return drive({
                  ...load,
                  work: (w, i) =>
                    client.send(new PutItemCommand(put(`${run}-${w}`, `e${i}`, payload))),
                })
              },
            },
            {
              name: castore,
              run: () => {
                const run = randomUUID()
                return drive({
                  ...load,
                  work: (w, i) => push(`${run}-${w}`, i + 1),
                })
              },
            },
          ],
          { rounds },
        )
        if (workers === 16) {
          goal(
            'appends/s at 16 writers, by bare transactions of three',
            ratio(results, annals, bareTransaction, perSecond),
            0.6,
          )
        }
        goal(
          `appends/s at ${workers} writers, by Castore`,
          ratio(results, annals, castore, perSecond),
          2,
        )
        all.push(...rows(`${workers} writers`, results))
      }
      const load = { workers: 16, milliseconds: quick ? 300 : 1500 }
      const results = await sideBySide<Sample>(
        [
          {
            name: annals,
            run: () => {
              const run = randomUUID()
              return drive({
                ...load,
                work: (w, i) =>
                  store.append(`T-${run}-${w}`, Array.from({ length: 10 }, event), {
                    expectedVersion: i * 10,
                  }),
              })
            },
          },
          {
            name: castore,
            run: () => {
              const run = randomUUID()
              return drive({
                ...load,
                work: async (w, i) => {
                  for (let n = 1; n <= 10; n++) await push(`${run}-${w}`, i * 10 + n)
                },
              })
            },
          },
        ],
        { rounds },
      )
      goal(
        'appends/s of ten events at 16 writers, by Castore',
        ratio(results, annals, castore, perSecond),
        2,
      )
      all.push(...rows('16 writers, ten events an append', results))
      return { columns, rows: all }
    },
  )

function push(aggregateId: string, version: number): Promise<unknown> {
  return adapter.pushEvent(
    {
      aggregateId,
      version,
      type: 'OrderPlaced',
      timestamp: new Date().toISOString(),
      payload: data,
      metadata,
    },
    { eventStoreId: 'orders' },
  )
}

const perStream = quick ? 200 : 1000
const reads = () =>
  section(
    'dynamodb-reads',
    'Reads',
    [
      `Events a second of a stream of ${perStream} events, written one an append; and, for Annals alone, of everything in the table by a handle that starts anew. Castore offers no reading of all events. The bare query reads items of the same payload.`,
    ],
    async () => {
      for (let i = 0; i < perStream; i++) {
        await store.append('Long-1', [event()], { expectedVersion: i })
        await push('long', i + 1)
        await client.send(
          new PutItemCommand(put('long', `e${i.toString().padStart(6, '0')}`, payload)),
        )
      }
      const once = async (read: () => Promise<number>): Promise<Sample> => {
        const began = performance.now()
        let events = 0
        for (let i = 0; i < (quick ? 1 : 10); i++) events += await read()
        const milliseconds = performance.now() - began
        return { ...sample([milliseconds], milliseconds), operations: events }
      }
      const results = await sideBySide<Sample>(
        [
          {
            name: annals,
            run: () => once(async () => (await store.readStream('Long-1').toArray()).length),
          },
          { name: 'bare Query', run: () => once(queryAll) },
          {
            name: castore,
            run: () =>
              once(async () => {
                const { events } = await adapter.getEvents('long', { eventStoreId: 'orders' })
                return events.length
              }),
          },
        ],
        { rounds },
      )
      goal('events/s of a stream, by Castore', ratio(results, annals, castore, perSecond), 1)
      const everything = await sideBySide<Sample>(
        [
          {
            name: annals,
            run: async () => {
              const fresh = dynamoDbStore({ table: 'annals', client })
              const result = await once(
                async () => (await fresh.readAll({ limit: 10_000 }).toArray()).length,
              )
              await fresh.close()
              return result
            },
          },
        ],
        { rounds: Math.min(rounds, 3) },
      )
      const cells = (what: string, of: SideBySide) =>
        rows(what, of).map((row) => [...row.slice(0, 3), '', ''])
      return {
        columns,
        rows: [...cells('a stream', results), ...cells('everything, up to 10,000', everything)],
      }
    },
  )

async function queryAll(): Promise<number> {
  let count = 0
  let start: QueryCommand['input']['ExclusiveStartKey']
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: 'bare',
        KeyConditionExpression: 'PK = :pk',
        ExpressionAttributeValues: { ':pk': { S: 'long' } },
        ConsistentRead: true,
        ExclusiveStartKey: start,
      }),
    )
    for (const item of Items) if (JSON.parse(item.d?.S ?? '')) count++
    start = LastEvaluatedKey
  } while (start)
  return count
}

const latency = () =>
  section(
    'dynamodb-latency',
    'From append to subscriber',
    [
      'Milliseconds from the call of an append to its event at a subscriber: on the same handle, which is told of it, and on another one, which polls. One append after the other. There is nothing to put beside it: Castore has no subscription without DynamoDB Streams, which DynamoDB Local serves by other means than AWS.',
    ],
    async () => {
      const other = dynamoDbStore({ table: 'annals', client })
      const arrivals = new Map<string, (at: number) => void>()
      const stop = new AbortController()
      const probes = quick ? 10 : 100
      const listen = (from: EventStore) =>
        (async () => {
          for await (const message of from.subscribeToAll({ after: 'end', signal: stop.signal })) {
            if (message.kind === 'event') arrivals.get(message.event.id)?.(performance.now())
          }
        })().catch(() => {})
      const measure = async (name: string, writer: EventStore): Promise<[string, Sample]> => {
        const latencies: number[] = []
        const began = performance.now()
        for (let i = 0; i < probes; i++) {
          const id = newEventId()
          const start = performance.now()
          const come = new Promise<number>((resolve) => arrivals.set(id, resolve))
          await writer.append(`Latency-${name}`, [{ ...event(), id }])
          latencies.push((await come) - start)
          arrivals.delete(id)
        }
        return [name, sample(latencies, performance.now() - began)]
      }
      const listening = listen(store)
      // The first event through says that the subscription has begun.
      await store.append('Latency-0', [event()])
      const same = await measure('the same handle', store)
      const polled = await measure('another handle', other)
      stop.abort()
      await listening
      await other.close()
      goals.push({
        what: 'append to subscriber on the same handle, p50 ms',
        aim: { atMost: 50 },
        measured: p50(same[1]),
      })
      return {
        columns,
        rows: [same, polled].flatMap(([name, result]) => rows('', new Map([[name, [result]]]))),
      }
    },
  )

const units = () =>
  section(
    'dynamodb-units',
    'Units an append',
    [
      'Write request units of one append of one event of this size, by the published rule: a started KB is one unit, two within a transaction. A test of the package measures them. The least for a total order with an event in its stream and in the order: two items in a transaction, and the number that orders them.',
    ],
    async () => ({
      columns: ['', 'write units', 'transactional items'],
      rows: [
        ['Annals, a number expected, alone', 5, 2],
        ['Annals, a number expected, 16 at once', 4.06, 2],
        ["Annals, 'any' or 'exists', alone", 7, 3],
        [bareTransaction, 6, 3],
        [castore, 1, 0],
        [barePut, 1, 0],
      ],
    }),
  )

const sections: Section[] = []
for (const run of [appends, reads, latency, units]) sections.push(await run())
const report = {
  title: 'DynamoDB: the store beside bare requests and Castore',
  date: new Date().toISOString().slice(0, 10),
  machine: describeMachine(),
  setting: {
    server: server.describe().replace(/ at 127\.0\.0\.1:\d+/, ''),
    'what it tells':
      'ratios on one emulator, which shares the cores with the program; DynamoDB itself has other latencies and no such ceiling',
    rounds: `${rounds} measured rounds in turns, after one to warm up; medians`,
  },
  sections,
}
console.log(goalTable(goals))
const markdown = markdownOf(report)
if (quick) console.log(markdown)
else writeResults(fileURLToPath(new URL('..', import.meta.url)), 'dynamodb', markdown)
await store.close()
client.destroy()
await server.stop()
process.exit()
