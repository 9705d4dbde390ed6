import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { adapters } from '../src/adapters.js'
import { openEventStore } from '../src/index.js'
import { failureOf } from './failure-of.js'

const urls = adapters.flatMap(({ schemes, example }) =>
  schemes.map((scheme) => example.replace(/^[^:]+/, scheme)),
)

test.each(urls)('%s opens its adapter, without a server', async (url) => {
  const store = await openEventStore(url)
  expect(store.capabilities.persistence).toBe('durable')
  await store.close()
  const error = await failureOf(store.headPosition())
  expect(error.code).toBe('CLOSED')
})

test('pglite: keeps the events in its folder, which is made at the first call', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'annals-pglite-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const url = `pglite:${join(folder, 'events')}`
  const data = { total: 4200 }
  {
    await using store = await openEventStore(url)
    expect(await readdir(folder)).toEqual([])
    await store.migrate()
    await store.append('Order-1', [{ type: 'OrderPlaced', data }])
  }
  await using store = await openEventStore(url)
  const [event] = await store.readStream('Order-1').toArray()
  expect(event).toMatchObject({ version: 1, type: 'OrderPlaced', data })
})
