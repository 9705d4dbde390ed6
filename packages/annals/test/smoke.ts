// Compiled and run against the packed package: see scripts/pack-test.mjs.
import assert from 'node:assert/strict'
import { isEventStoreError, openEventStore } from 'annals'

type OrderEvent = { type: 'OrderPlaced'; data: { total: number } }

for (const url of ['memory:', 'pglite:memory']) {
  const store = await openEventStore(url)
  await store.migrate()
  await store.append<OrderEvent>('Order-1', [{ type: 'OrderPlaced', data: { total: 12 } }], {
    expectedVersion: 0,
  })
  const totals: number[] = []
  for await (const event of store.readStream<OrderEvent>('Order-1')) totals.push(event.data.total)
  assert.deepEqual(totals, [12], url)
  await store.close()
}
await assert.rejects(openEventStore('nowhere:'), (error) =>
  isEventStoreError(error, 'INVALID_ARGUMENT'),
)
console.log('ok')
