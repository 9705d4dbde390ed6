import { randomUUID } from 'node:crypto'
import { dynamoDbStore, repairDynamoDbTable } from '@annals/dynamodb'
import { startDynamoDb } from '@annals/test-servers'
import { DeleteItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, expect, it } from 'vitest'
import { type Key, partKey, recordKey, slotKey, tailKey } from '../src/keys.js'
import { placeOf } from '../src/positions.js'
import { clientOf } from './support/wire.js'

const server = await startDynamoDb()
const client = clientOf(server)
afterAll(async () => {
  client.destroy()
  await server.stop()
})

const event = (size = 10) => ({ id: randomUUID(), type: 'Happened', data: 'x'.repeat(size) })

/** What a restore to a point in time may leave behind: some items of the last transactions, and an older counter. */
async function tornTable() {
  const table = `repair-${randomUUID()}`
  const store = dynamoDbStore({ table, client, gracePeriodMs: 0 })
  await store.migrate()
  const forget = (key: Key) =>
    client.send(new DeleteItemCommand({ TableName: table, Key: { ...key } }))
  const setCounter = (ticket: number, settled: number) =>
    client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: { ...tailKey },
        UpdateExpression: 'SET n = :n, r = :r',
        ExpressionAttributeValues: { ':n': { N: String(ticket) }, ':r': { N: String(settled) } },
      }),
    )
  return { table, store, forget, setCounter }
}

it('completes what can be had, undoes what cannot, and goes on', async () => {
  const { table, store, forget, setCounter } = await tornTable()
  const ids: string[] = []
  const keep = async (streamId: string, size: number, expectedVersion: number) => {
    const one = event(size)
    ids.push(one.id)
    return placeOf((await store.append(streamId, [one], { expectedVersion })).position).ticket
  }
  await keep('Whole-1', 10, 0)
  await keep('NoRecord-1', 10, 0)
  await forget(recordKey('NoRecord-1', 1))
  await forget(slotKey(await keep('NoSlot-1', 10, 0)))
  await forget(slotKey(await keep('LargeNoSlot-1', 250_000, 0)))
  // Of these too much is missing.
  await store.append('NoPart-1', [event(250_000), event(250_000)], { expectedVersion: 0 })
  await forget(partKey('NoPart-1', 1, 1))
  const several = await store.appendToStreams([
    { streamId: 'Half-1', events: [event()], expectedVersion: 0 },
    { streamId: 'Half-2', events: [event()], expectedVersion: 0 },
  ])
  await forget(slotKey(placeOf(several[0]!.position).ticket))
  await forget(recordKey('Half-2', 1))
  const { position } = await keep('Whole-1', 10, 1).then(async () => ({
    position: (await store.append('Any-1', [event()])).position,
  }))
  await forget(recordKey('Any-1', 1))
  await forget(slotKey(placeOf(position).ticket))
  await setCounter(placeOf(position).ticket - 2, placeOf(position).ticket)
  await store.close()

  const report = await repairDynamoDbTable({ table, client })
  expect(report).toMatchObject({ completed: 3, undone: 3, problems: [] })
  const again = await repairDynamoDbTable({ table, client })
  expect(again).toMatchObject({ completed: 0, undone: 0, problems: [] })

  const after = dynamoDbStore({ table, client })
  expect((await after.readAll().toArray()).map((each) => each.id)).toEqual(ids)
  for (const streamId of ['NoPart-1', 'Half-1', 'Half-2', 'Any-1']) {
    expect(await after.streamVersion(streamId)).toBe(0)
  }
  const more = event()
  await after.append('Whole-1', [more], { expectedVersion: 2 })
  await after.append('Any-1', [event()])
  const all = await after.readAll().toArray()
  expect(all.slice(0, -1).map((each) => each.id)).toEqual([...ids, more.id])
  await after.close()
})

it('says what it cannot repair, and leaves it', async () => {
  const { table, store, forget } = await tornTable()
  await store.append('Order-1', [event(3000)], { expectedVersion: 0 })
  await store.append('Order-1', [event()], { expectedVersion: 1 })
  await forget(recordKey('Order-1', 1))
  await store.close()
  const report = await repairDynamoDbTable({ table, client })
  expect(report.problems).toEqual([expect.stringContaining('Order-1')])
})

it('a table that is torn is noticed', async () => {
  const { table, store, forget, setCounter } = await tornTable()
  await store.append('Order-1', [event(3000)], { expectedVersion: 0 })
  await store.append('Order-1', [event(3000)], { expectedVersion: 1 })
  await setCounter(1, 0)
  await store.close()
  const behind = dynamoDbStore({ table, client, retryBudgetMs: 0 })
  await expect(behind.append('Order-1', [event()], { expectedVersion: 2 })).rejects.toMatchObject({
    code: 'CORRUPT',
  })
  await forget(recordKey('Order-1', 1))
  await expect(behind.readStream('Order-1').toArray()).rejects.toMatchObject({ code: 'CORRUPT' })
  await expect(behind.readAll().toArray()).rejects.toMatchObject({ code: 'CORRUPT' })
  await behind.close()
})
