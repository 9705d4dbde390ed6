// Compiled and run against the packed package: see scripts/pack-test.mjs.
import assert from 'node:assert/strict'
import { isEventStoreError, memoryStore } from '@annals/core'

const store = memoryStore()
await store.append('order-1', [{ type: 'OrderPlaced', data: { total: 12 } }], {
  expectedVersion: 'any',
})
const events = await store.readStream('order-1').toArray()
assert.deepEqual(
  events.map(({ type, data }) => ({ type, data })),
  [{ type: 'OrderPlaced', data: { total: 12 } }],
)
await assert.rejects(
  store.append('order-1', [{ type: 'OrderPlaced', data: {} }], { expectedVersion: 0 }),
  (error) => isEventStoreError(error, 'WRONG_EXPECTED_VERSION'),
)
await store.close()
console.log('ok')
