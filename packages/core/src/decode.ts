import type { StoredEvent } from './driver.js'
import { CorruptError, quote } from './errors.js'
import type { EventMetadata, RecordedEvent } from './events.js'
import { decodePayload } from './payload.js'

/** A driver's event as applications get it. */
export function decodeEvent(stored: StoredEvent): RecordedEvent {
  try {
    return {
      id: stored.id,
      streamId: stored.streamId,
      version: stored.version,
      position: stored.position,
      type: stored.type,
      data: decodePayload(stored.data),
      metadata: (stored.metadata === '{}' ? {} : JSON.parse(stored.metadata)) as EventMetadata,
      recordedAt: stored.recordedAt,
    }
  } catch (error) {
    throw new CorruptError(
      `Event ${stored.version} of stream ${quote(stored.streamId)} (id ${stored.id}) is not what the store wrote: its data or metadata is not JSON.`,
      { cause: error },
    )
  }
}
