import { randomUUID } from 'node:crypto'
import type { JsonObject, Payload } from '@annals/core'
import { toEventData } from './append.js'
import { withDeadline } from './client.js'
import type { Context } from './context.js'
import { kindOf } from './translate-error.js'

export interface OwnEvent {
  readonly type: string
  readonly data: Payload
  readonly metadata?: JsonObject
}

/**
 * Appends to one of the adapter's own streams, where its last revision is `revision` (null: there is none;
 * undefined: whatever it is). Returns the new revision, or null where the stream is somewhere else.
 */
export async function writeOwn(
  context: Context,
  name: string,
  event: OwnEvent,
  revision: bigint | null | undefined,
): Promise<bigint | null> {
  const { writers, deadlineMs } = context
  const held = writers.acquire()
  try {
    const { client } = held
    if (revision === null) {
      // Only the last is ever read; the server forgets the others and a scavenge removes them.
      await withDeadline(
        client.setStreamMetadata(name, { maxCount: 1 }, { requiresLeader: true }),
        deadlineMs,
        `the bound of stream ${name}`,
      )
    }
    const result = await withDeadline(
      client.appendToStream(
        name,
        toEventData({
          id: randomUUID(),
          type: event.type,
          data: event.data,
          metadata: JSON.stringify(event.metadata ?? {}),
          bytes: 0,
        }),
        {
          streamState: revision === undefined ? 'any' : (revision ?? 'no_stream'),
          requiresLeader: true,
        },
      ),
      deadlineMs,
      `the append to stream ${name}`,
    )
    return result.success ? result.nextExpectedRevision : null
  } catch (error) {
    const kind = kindOf(error)
    if (kind === 'WrongExpectedVersionError') return null
    if (kind === undefined) writers.replace(held)
    throw error
  } finally {
    writers.release(held)
  }
}
