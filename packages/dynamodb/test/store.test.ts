import { randomUUID } from 'node:crypto'
import { isEventStoreError } from '@annals/core'
import { dynamoDbStore, dynamoDbStoreFromUrl, parseDynamoDbUrl } from '@annals/dynamodb'
import { startDynamoDb } from '@annals/test-servers'
import { ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { afterAll, describe, expect, it } from 'vitest'
import { untilSettled } from './support/until-settled.js'
import { clientOf, Wire } from './support/wire.js'

const server = await startDynamoDb()
afterAll(() => server.stop())
const { endpoint, region, credentials } = server
const newTable = () => `store-${randomUUID()}`

describe('the client', () => {
  it("may be the user's own, and stays open", async () => {
    const client = clientOf(server)
    const store = dynamoDbStore({ table: newTable(), client })
    await store.migrate()
    await store.append('Order-1', [{ type: 'Placed', data: 1 }])
    await store.close()
    await expect(client.send(new ListTablesCommand({}))).resolves.toBeDefined()
    client.destroy()
  })

  it('may be a document client, whose rules for values do not matter', async () => {
    const low = clientOf(server)
    const client = DynamoDBDocumentClient.from(low, {
      marshallOptions: { convertEmptyValues: true },
      unmarshallOptions: { wrapNumbers: true },
    })
    const store = dynamoDbStore({ table: newTable(), client })
    await store.migrate()
    const data = { empty: '', none: null, list: [''], big: 2 ** 53 - 1 }
    await store.append('Order-1', [{ type: 'Placed', data }])
    const [event] = await store.readStream('Order-1').toArray()
    expect(event?.data).toEqual(data)
    await store.close()
    low.destroy()
  })

  it("may be configuration for a client of the store's own", async () => {
    const store = dynamoDbStore({ table: newTable(), client: { endpoint, region, credentials } })
    await store.migrate()
    expect(await store.headPosition()).toBe(null)
    await store.close()
  })
})

describe('a URL', () => {
  it('opens a store', async () => {
    const { host } = new URL(endpoint)
    const { accessKeyId, secretAccessKey } = credentials
    const store = dynamoDbStoreFromUrl(
      `dynamodb://${accessKeyId}:${secretAccessKey}@${host}/${newTable()}?region=${region}`,
    )
    await store.migrate()
    expect(await store.streamVersion('Order-1')).toBe(0)
    await store.close()
  })

  it.each([
    ['dynamodb:///orders', { table: 'orders', client: {} }],
    ['dynamodb:///orders?region=eu-west-1', { table: 'orders', client: { region: 'eu-west-1' } }],
    [
      'dynamodb://localhost:8000/orders?gracePeriodMs=50',
      {
        table: 'orders',
        gracePeriodMs: 50,
        client: {
          endpoint: 'http://localhost:8000',
          region: 'us-east-1',
          credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
        },
      },
    ],
  ])('%s says what it says', (url, expected) => {
    expect(parseDynamoDbUrl(url)).toEqual(expected)
  })

  it.each([
    'not a url',
    'postgres://localhost/orders',
    'dynamodb:///',
    'dynamodb:///a/b',
    'dynamodb:///orders?stripes=4',
  ])('%s is refused', (url) => {
    try {
      dynamoDbStoreFromUrl(url)
    } catch (error) {
      expect(isEventStoreError(error, 'INVALID_ARGUMENT')).toBe(true)
      return
    }
    throw new Error('it was not refused')
  })
})

it.each([
  { table: '' },
  { table: 'orders', gracePeriodMs: -1 },
  { table: 'orders', gracePeriodMs: Number.NaN },
  { table: 'orders', requestTimeoutMs: 0 },
])('options that cannot be are refused: %o', (options) => {
  expect(() => dynamoDbStore(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
  )
})

describe("DynamoDB's limits", () => {
  const open = async (limits: 'portable' | 'backend') => {
    const client = clientOf(server)
    const store = dynamoDbStore({ table: newTable(), client, limits })
    await store.migrate()
    return {
      store,
      async close() {
        await store.close()
        client.destroy()
      },
    }
  }

  it('are what the store says', async () => {
    const { store, close } = await open('backend')
    const { maxEventBytes, maxAppendBytes, maxAppendEvents, maxStreamIdBytes } = store.limits
    const longId = `Order-${'x'.repeat(maxStreamIdBytes - 'Order-'.length)}`
    const type = 'T'
    const data = new Uint8Array(maxEventBytes - '{}'.length - type.length)
    const large = Array.from({ length: Math.floor(maxAppendBytes / maxEventBytes) }, () => {
      return { type, data }
    })
    const result = await store.append(longId, large, { expectedVersion: 0 })
    expect(result.version).toBe(large.length)
    const small = Array.from({ length: maxAppendEvents }, (_, i) => {
      return { type, data: 'x'.repeat(Math.floor(maxAppendBytes / maxAppendEvents) - 10 - (i % 2)) }
    })
    expect((await store.append(longId, small)).version).toBe(large.length + small.length)
    const read = await store.readAll().toArray()
    expect(read.map((event) => event.version)).toEqual(read.map((_, i) => i + 1))
    expect(read.length).toBe(large.length + small.length)
    await close()
  })

  it('hold thirty streams in one append, however large', async () => {
    const { store, close } = await open('portable')
    const appends = Array.from({ length: 30 }, (_, i) => ({
      streamId: `Order-${i}`,
      events: [{ type: 'Placed', data: 'x'.repeat(30_000) }],
    }))
    const results = await store.appendToStreams(appends)
    expect(results.map((result) => result.version)).toEqual(appends.map(() => 1))
    expect(await store.appendToStreams(appends.map((append) => ({ ...append })))).toHaveLength(30)
    await close()
  })
})

/** A table with a number of tickets, taken by appends of 32 writers. */
async function writtenTable(ticketsPerWriter: number) {
  const client = clientOf(server)
  const table = newTable()
  const store = dynamoDbStore({ table, client })
  await store.migrate()
  await Promise.all(
    Array.from({ length: 32 }, async (_, writer) => {
      for (let i = 0; i < ticketsPerWriter; i++) {
        await store.append(`Order-${writer}`, [{ type: 'T', data: i }], { expectedVersion: i })
      }
    }),
  )
  return {
    table,
    store,
    untilSettled: (ticket: number) => untilSettled(client, table, ticket),
    async close() {
      await store.close()
      client.destroy()
    },
  }
}

it('a table that is written and not read keeps its settled mark near the tail', async () => {
  const { table, store, untilSettled, close } = await writtenTable(36)
  await untilSettled(1024)
  await store.close()
  // Somebody new finds the head without looking at the whole log: at most 128 slots, 4 queries, and the last of them.
  const wire = new Wire()
  const reader = dynamoDbStore({ table, client: clientOf(server, wire) })
  await reader.headPosition()
  expect(wire.count).toBeLessThan(10)
  await reader.close()
  await close()
})

it('a reader moves the settled mark up to what it has read, however slowly the mark moves', async () => {
  // Few enough that the writer leaves the mark alone.
  const { table, untilSettled, close } = await writtenTable(24)
  const wire = new Wire()
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  wire.rule(async ({ operation }, send) => {
    if (operation === 'UpdateItem') await released
    return send()
  })
  const reader = dynamoDbStore({ table, client: clientOf(server, wire) })
  expect(await reader.readAll().toArray()).toHaveLength(24 * 32)
  release()
  await untilSettled(24 * 32 - 255)
  await reader.close()
  await close()
})
