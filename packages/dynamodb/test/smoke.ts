// Compiled and run against the packed package: see scripts/pack-test.mjs. Without a server: no connection is made.
import assert from 'node:assert/strict'
import { isEventStoreError } from '@annals/core'
import { dynamoDbStore } from '@annals/dynamodb'

const store = dynamoDbStore({ table: 'events', client: { region: 'eu-central-1' } })
assert.equal(store.capabilities.persistence, 'durable')
await assert.rejects(store.append('', [{ type: 'OrderPlaced', data: {} }]), (error) =>
  isEventStoreError(error, 'INVALID_ARGUMENT'),
)
await store.close()
console.log('ok')
