import type { Capabilities, Limits } from '@annals/core'

export const capabilities: Capabilities = Object.freeze({
  multiStreamAppend: true,
  idempotentAny: 'always',
  uniqueEventIds: 'stream',
  persistence: 'durable',
})

/**
 * What is accepted with `limits: 'backend'`. PostgreSQL itself allows 1 GB a value; these keep one append one statement
 * that a server of ordinary size can take, and a stream id well inside an index entry (2,704 bytes).
 */
export const limits: Limits = Object.freeze({
  maxEventBytes: 16 * 1024 * 1024,
  maxAppendBytes: 64 * 1024 * 1024,
  maxAppendEvents: 10_000,
  maxStreamIdBytes: 1024,
})
