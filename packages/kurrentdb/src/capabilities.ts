import type { Capabilities, Limits } from '@annals/core'
import { withDeadline } from './client.js'
import type { Context } from './context.js'
import { kindOf } from './translate-error.js'

/** What a server offers; `multiStreamAppend` is off until it has been asked. */
export function capabilitiesOf(multiStreamAppend: boolean): Capabilities {
  return Object.freeze({
    multiStreamAppend,
    // The leader remembers the ids of some 60,000 events, and forgets them when it ends.
    idempotentAny: 'bestEffort',
    // Ids are compared only where the expectation does not hold.
    uniqueEventIds: 'none',
    persistence: 'durable',
  })
}

/**
 * `MaxAppendSize` is 1 MiB on servers before 25.1, for data, metadata and what the server adds; the smallest of all
 * servers is what holds here.
 */
export const limits: Limits = Object.freeze({
  maxEventBytes: 1_000_000,
  maxAppendBytes: 1_000_000,
  maxAppendEvents: 2_000,
  maxStreamIdBytes: 1_024,
})

/**
 * Whether the server appends to several streams at once (25.1 and later). The client answers by itself where the server
 * does not; where it does, an append of nothing is sent, which changes nothing whatever the answer.
 */
export async function asksForMultiStreamAppend(context: Context): Promise<boolean> {
  const { writers, deadlineMs } = context
  const held = writers.acquire()
  try {
    await withDeadline(
      held.client.multiStreamAppend([]),
      deadlineMs,
      'the question for its features',
    )
    return true
  } catch (error) {
    switch (kindOf(error)) {
      case 'UnsupportedError':
        return false
      case undefined:
        writers.replace(held)
        throw error
      case 'UnavailableError':
      case 'DeadlineExceededError':
      case 'AccessDeniedError':
        throw error
    }
    // The server has refused an append of nothing, so it has the call.
    return true
  } finally {
    writers.release(held)
  }
}
