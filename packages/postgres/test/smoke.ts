// Compiled and run against the packed package: see scripts/pack-test.mjs.
import assert from 'node:assert/strict'
import { isEventStoreError } from '@annals/core'
import { postgresStoreFromUrl } from '@annals/postgres'

const store = await postgresStoreFromUrl('pglite:memory', {})
await store.migrate()
const events = [{ type: 'OrderPlaced', data: { total: 12 } }]
await store.append('Order-1', events, { expectedVersion: 0 })
const read = await store.readStream('Order-1').toArray()
assert.deepEqual(
  read.map(({ type, data }) => ({ type, data })),
  events,
)
await assert.rejects(store.append('Order-1', events, { expectedVersion: 0 }), (error) =>
  isEventStoreError(error, 'WRONG_EXPECTED_VERSION'),
)
await store.close()
console.log('ok')
