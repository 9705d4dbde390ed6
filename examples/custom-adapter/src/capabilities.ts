import type { Capabilities, Limits } from '@annals/core'

export const capabilities: Capabilities = Object.freeze({
  // One file has one writer at a time: a transaction over many streams costs no more than one over one.
  multiStreamAppend: true,
  // Events are never deleted, and each append looks its ids up in an index.
  idempotentAny: 'always',
  uniqueEventIds: 'stream',
  persistence: 'durable',
})

/**
 * SQLite itself takes values of 1 GB. But its calls are synchronous: an append of this size stops everything else in the
 * process for about as long as the disk takes to write it.
 */
export const limits: Limits = Object.freeze({
  maxEventBytes: 16 * 1024 * 1024,
  maxAppendBytes: 64 * 1024 * 1024,
  maxAppendEvents: 10_000,
  maxStreamIdBytes: 4_096,
})
