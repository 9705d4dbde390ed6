import { CorruptError, type Payload, type StoredEvent } from '@annals/core'
import type { Row } from './connection.js'
import { toPosition } from './positions.js'

/**
 * An event's columns, in the order of `storedEvent`. libsql ends a text at its first U+0000; there is none in them: core
 * refuses it in names, and JSON text escapes it.
 */
export const eventColumns = 'position, stream_id, version, id, type, recorded_at, metadata, data'

export function storedEvent(row: Row): StoredEvent {
  const [position, streamId, version, id, type, recordedAt, metadata, data] = row
  if (typeof position !== 'number' || typeof version !== 'number') throw damaged(row)
  if (typeof streamId !== 'string' || typeof id !== 'string') throw damaged(row)
  if (typeof type !== 'string' || typeof recordedAt !== 'number') throw damaged(row)
  const payload = toPayload(data)
  if (typeof metadata !== 'string' || payload === undefined) throw damaged(row)
  return {
    id,
    streamId,
    version,
    position: toPosition(position),
    type,
    data: payload,
    metadata,
    recordedAt: new Date(recordedAt),
  }
}

/** Text or bytes; undefined for what no store wrote. */
export function toPayload(value: unknown): Payload | undefined {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  return undefined
}

function damaged(row: Row): CorruptError {
  return new CorruptError(
    `The event at position ${row[0]} (stream ${JSON.stringify(row[1])}, version ${row[2]}) is not as it was written: restore the file from a backup.`,
  )
}
