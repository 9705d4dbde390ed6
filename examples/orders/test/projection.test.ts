import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type EventStore, newEventId, openEventStore, type Position } from 'annals'
import { expect, onTestFinished, test } from 'vitest'
import { ModelFile } from '../src/model-file.js'
import { Projection } from '../src/projection.js'
import type { ShopEvent } from '../src/read-model.js'
import { temporaryFolder } from './fixtures.js'

async function setUp() {
  const store = await openEventStore('memory:')
  onTestFinished(() => store.close())
  const path = join(await temporaryFolder(), 'model.json')
  const open = (name = 'this store') => new Projection(store, new ModelFile(path, name))
  return { store, path, open }
}

/** An order that is placed; resolves with the event's position. */
async function placeOrder(store: EventStore): Promise<Position> {
  const data = { customer: 'me', lines: [], total: 7 }
  const placed: ShopEvent = { type: 'OrderPlaced', data }
  return (await store.append(`Order-${newEventId()}`, [placed])).position
}

const soon = () => AbortSignal.timeout(20_000)

/** A projection that saw so many orders, and died without a word after its last save. */
async function crashedAfter(orders: number, store: EventStore, projection: Projection) {
  for (let order = 1; order <= orders; order++) await placeOrder(store)
  await projection.start()
  await projection.stop()
}

test('it starts from the first event, follows, and says when it has seen what was asked for', async () => {
  const { store, open } = await setUp()
  await placeOrder(store)
  const projection = open()
  await projection.start()
  expect(projection.resumed).toEqual({ position: null, events: 0, caughtUpWith: 1 })
  const position = await placeOrder(store)
  await projection.reached(position, soon())
  expect(projection.model.ordersByStatus).toEqual({ placed: 2 })
  await projection.stop()
})

test('it goes on where its file is', async () => {
  const { store, path, open } = await setUp()
  await crashedAfter(3, store, open())
  const { position } = JSON.parse(await readFile(path, 'utf8'))
  expect(await store.checkpoints.load('orders-read-model')).toBe(position)
  await placeOrder(store)
  const projection = open()
  await projection.start()
  expect(projection.resumed).toEqual({ position, events: 3, caughtUpWith: 1 })
  expect(projection.model.ordersByStatus).toEqual({ placed: 4 })
  await projection.stop()
})

test('a crash between the checkpoint and the file counts nothing twice and loses nothing', async () => {
  const { store, path, open } = await setUp()
  await crashedAfter(2, store, open())
  const older = await readFile(path, 'utf8')
  await crashedAfter(2, store, open())
  await writeFile(path, older)
  const projection = open()
  await projection.start()
  expect(projection.resumed).toMatchObject({ events: 2, caughtUpWith: 2 })
  expect(projection.model.ordersByStatus).toEqual({ placed: 4 })
  await projection.stop()
})

test.each([
  ['is torn', (file: string) => file.slice(0, -10), 'this store'],
  ['is of another shape', (file: string) => file.replace('"shape":1', '"shape":0'), 'this store'],
  ['is of another store', (file: string) => file, 'another store'],
])('it is built again where its file %s', async (_, change, name) => {
  const { store, path, open } = await setUp()
  await crashedAfter(3, store, open())
  await writeFile(path, change(await readFile(path, 'utf8')))
  const projection = open(name)
  await projection.start()
  expect(projection.resumed).toEqual({ position: null, events: 0, caughtUpWith: 3 })
  await projection.stop()
})

test('a file that is ahead of the checkpoint is not of this store', async () => {
  const { store, path, open } = await setUp()
  await crashedAfter(3, store, open())
  await store.checkpoints.delete('orders-read-model')
  const projection = open()
  await projection.start()
  expect(projection.resumed.position).toBeNull()
  await projection.stop()
  expect(JSON.parse(await readFile(path, 'utf8')).model.events).toBe(3)
})

test('of two that keep the same model one is refused, stops, and leaves the file alone', async () => {
  const { store, path, open } = await setUp()
  const [one, other] = [open(), open()]
  await one.start()
  await other.start()
  const position = await placeOrder(store)
  await one.reached(position, soon())
  await other.reached(position, soon())
  await one.stop()
  const file = await readFile(path, 'utf8')
  await expect(other.stop()).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT' })
  expect(await readFile(path, 'utf8')).toBe(file)
})

test('who waits is told when the model fails or takes too long', async () => {
  const { store, open } = await setUp()
  const projection = open()
  await projection.start()
  const beyond = `${await placeOrder(store)}9`
  await expect(projection.reached(beyond, AbortSignal.abort('too long'))).rejects.toBe('too long')
  const waiting = projection.reached(beyond, soon())
  const failed = expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
  await store.close()
  await failed
  await expect(projection.reached(beyond, soon())).rejects.toMatchObject({ code: 'CLOSED' })
  await projection.stop()
})
