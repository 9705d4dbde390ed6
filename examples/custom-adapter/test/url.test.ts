import { readFile } from 'node:fs/promises'
import { isEventStoreError, openEventStore, registerScheme } from 'annals'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sqliteStoreFromUrl } from '../src/index.js'
import { temporaryFolder } from './support/folder.js'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let takeBack: () => void
beforeEach(async () => {
  folder = await temporaryFolder()
  takeBack = registerScheme('sqlite', sqliteStoreFromUrl)
})
afterEach(async () => {
  takeBack()
  await folder.remove()
})

type OrderEvent =
  | { type: 'OrderPlaced'; data: { total: number } }
  | { type: 'OrderShipped'; data: { carrier: string } }

test('a short piece of work through openEventStore, from one opening to the next', async () => {
  {
    await using store = await openEventStore(`sqlite:${folder.file}`)
    await store.migrate()
    const placed = [{ type: 'OrderPlaced', data: { total: 30 } }] as const
    const { version } = await store.append<OrderEvent>('Order-1', placed, { expectedVersion: 0 })
    await store.append<OrderEvent>(
      'Order-1',
      [{ type: 'OrderShipped', data: { carrier: 'mule' } }],
      { expectedVersion: version },
    )
    const again = store.append<OrderEvent>('Order-1', placed, { expectedVersion: 0 })
    await expect(again).rejects.toSatisfy((e) => isEventStoreError(e, 'WRONG_EXPECTED_VERSION'))
  }
  await using store = await openEventStore(`sqlite://${folder.file}`)
  let total = 0
  for await (const message of store.subscribeToAll<OrderEvent>({
    filter: { categories: ['Order'] },
  })) {
    if (message.kind === 'event' && message.event.type === 'OrderPlaced') {
      total += message.event.data.total
    }
    if (message.kind === 'caughtUp') {
      await store.checkpoints.save('revenue', message.position, { expected: null })
      break
    }
  }
  expect(total).toBe(30)
  expect(await store.checkpoints.load('revenue')).toBe(await store.headPosition())
  expect((await readFile(folder.file)).subarray(0, 15).toString()).toBe('SQLite format 3')
})

test('a URL that is no path of a file, or asks for what the store does not know, is refused', async () => {
  const urls = [
    'sqlite:',
    'sqlite::memory:',
    'sqlite://host/x.db',
    'sqlite:x.db?mode=ro',
    'sqlite:x.db#y',
  ]
  for (const url of urls) {
    await expect(openEventStore(url), url).rejects.toSatisfy((error) =>
      isEventStoreError(error, 'INVALID_ARGUMENT'),
    )
  }
})

test('readOnly reads, and writes nothing', async () => {
  await using writer = await openEventStore(`sqlite:${folder.file}`)
  await writer.migrate()
  await writer.append('Order-1', [{ type: 'OrderPlaced', data: { total: 1 } }])
  await using reader = await openEventStore(`sqlite:${folder.file}?readOnly=true`)
  await reader.migrate() // nothing is missing
  expect(await reader.readAll().toArray()).toHaveLength(1)
  const refused = [
    () => reader.append('Order-1', [{ type: 'OrderPlaced', data: null }]),
    () => reader.checkpoints.save('x', 'sq000000000000001'),
  ]
  for (const call of refused) {
    await expect(call()).rejects.toSatisfy((error) => isEventStoreError(error, 'ACCESS_DENIED'))
  }
})
