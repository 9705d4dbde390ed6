// The program behind `pnpm bench dynamodb [--quick]`: the DynamoDB store beside bare requests and
// Castore, on one DynamoDB Local in memory, in turns.
import { randomUUID } from 'node:crypto'
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
import {
  BackendReport,
  rateColumns as columns,
  event,
  quick,
  rounds,
  rateRows as rows,
} from './backend-report.js'
import {
  drive,
  p50,
  perSecond,
  ratio,
  type Sample,
  type SideBySide,
  sample,
  sideBySide,
} from './measure.js'
import type { Cell } from './report.js'

const report = new BackendReport()
const annals = 'Annals'
const castore = 'Castore'
const barePut = 'bare PutItem'
const bareTransaction = 'bare TransactWriteItems of three'

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
  report.section(
    {
      id: 'dynamodb-appends',
      title: 'Appends',
      notes: [
        'One event an append, each writer to a stream of its own, with the version it expects.',
        'Castore writes one PutItem on the condition that the version is free, and keeps no order between streams: beside it stands what a total order costs, a ticket and a transaction. An append of ten events is one transaction for Annals; Castore has no call for several events of one aggregate, so it makes ten, one after the other, and not atomically.',
      ],
    },
    async () => {
      const all: Cell[][] = []
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
          report.goal(
            'appends/s at 16 writers, by bare transactions of three',
            ratio(results, annals, bareTransaction, perSecond),
            { atLeast: 0.6 },
          )
        }
        report.goal(
          `appends/s at ${workers} writers, by Castore`,
          ratio(results, annals, castore, perSecond),
          { atLeast: 2 },
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
      report.goal(
        'appends/s of ten events at 16 writers, by Castore',
        ratio(results, annals, castore, perSecond),
        { atLeast: 2 },
      )
      all.push(...rows('16 writers, ten events an append', results))
      return { columns, rows: all }
    },
  )

function push(aggregateId: string, version: number): Promise<unknown> {
  const { type, data, metadata } = event()
  return adapter.pushEvent(
    {
      aggregateId,
      version,
      type,
      timestamp: new Date().toISOString(),
      payload: data,
      metadata,
    },
    { eventStoreId: 'orders' },
  )
}

const perStream = quick ? 200 : 1000
const reads = () =>
  report.section(
    {
      id: 'dynamodb-reads',
      title: 'Reads',
      notes: [
        `Events a second of a stream of ${perStream} events, written one an append; and, for Annals alone, of everything in the table by a handle that starts anew. Castore offers no reading of all events. The bare query reads items of the same payload.`,
      ],
    },
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
      report.goal('events/s of a stream, by Castore', ratio(results, annals, castore, perSecond), {
        atLeast: 1,
      })
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
  report.section(
    {
      id: 'dynamodb-latency',
      title: 'From append to subscriber',
      notes: [
        'Milliseconds from the call of an append to its event at a subscriber: on the same handle, which is told of it, and on another one, which polls. One append after the other. There is nothing to put beside it: Castore has no subscription without DynamoDB Streams, which DynamoDB Local serves by other means than AWS.',
      ],
    },
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
      report.goal('append to subscriber on the same handle, p50 ms', p50(same[1]), { atMost: 50 })
      return {
        columns,
        rows: [same, polled].flatMap(([name, result]) => rows('', new Map([[name, [result]]]))),
      }
    },
  )

const units = () =>
  report.section(
    {
      id: 'dynamodb-units',
      title: 'Units an append',
      notes: [
        'Write request units of one append of one event of this size, by the published rule: a started KB is one unit, two within a transaction. A test of the package measures them. The least for a total order with an event in its stream and in the order: two items in a transaction, and the number that orders them.',
      ],
    },
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

for (const run of [appends, reads, latency, units]) await run()
report.finish('dynamodb', {
  title: 'DynamoDB: the store beside bare requests and Castore',
  setting: {
    server: server.describe().replace(/ at 127\.0\.0\.1:\d+/, ''),
    'what it tells':
      'ratios on one emulator, which shares the cores with the program; DynamoDB itself has other latencies and no such ceiling',
  },
})
await store.close()
client.destroy()
await server.stop()
process.exit()
