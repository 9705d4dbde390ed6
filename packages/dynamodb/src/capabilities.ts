import type { Capabilities, Limits } from '@annals/core'

export const capabilities: Capabilities = Object.freeze({
  multiStreamAppend: true,
  // An append with 'any' or 'exists' leaves an item under its first event's id, which its repeat finds for ever.
  idempotentAny: 'always',
  // An item for every event id would cost each append half as much again (docs/dynamodb.md, "Event ids").
  uniqueEventIds: 'none',
  persistence: 'durable',
})

/** What fits into items of 400 KB and a transaction of 4 MB and 100 actions, keys and framing included. */
export const limits: Limits = Object.freeze({
  maxEventBytes: 380 * 1024,
  maxAppendBytes: 3 * 1024 * 1024,
  maxAppendEvents: 4000,
  maxStreamIdBytes: 1024,
})

/** Actions of one `TransactWriteItems`. */
export const maxTransactionActions = 100
