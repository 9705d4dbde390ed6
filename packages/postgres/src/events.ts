import type { StoredEvent } from '@annals/core'
import type { Row } from './database.js'
import { loadPayload } from './payloads.js'
import { formatPosition, type Place } from './positions.js'

/** What is read of an event, as `rowToEvent` takes it. Times and bytes in forms that no setting of the server changes. */
export const eventColumns = (alias: string) =>
  `${alias}.id, ${alias}.stream_id, ${alias}.version, ${alias}.epoch, ${alias}.transaction_id, ${alias}.global_position, ${alias}.event_type, ${alias}.encoding, ${alias}.event_data, encode(${alias}.event_bytes, 'hex'), ${alias}.metadata, encode(${alias}.metadata_bytes, 'hex'), extract(epoch from ${alias}.created_at)`

export function rowToEvent(row: Row): StoredEvent {
  const streamId = row[1]!
  const version = Number(row[2])
  const where = () => `event ${version} of stream ${JSON.stringify(streamId)}`
  return {
    id: row[0]!,
    streamId,
    version,
    position: formatPosition(row[3]!, row[4]!, row[5]!),
    type: row[6]!,
    data: loadPayload(row[7], row[8], row[9], where),
    metadata: row[10] ?? Buffer.from(row[11]!, 'hex').toString(),
    recordedAt: new Date(Math.round(Number(row[12]) * 1000)),
  }
}

export function placeOfRow(row: Row): Place {
  return { epoch: Number(row[3]), transaction: row[4]!, sequence: row[5]! }
}

/** About how much memory the rows take. */
export function bytesOfRows(rows: readonly Row[]): number {
  let bytes = 0
  for (const row of rows) {
    bytes += 200 + (row[8]?.length ?? 0) + (row[9]?.length ?? 0) + (row[10]?.length ?? 0)
  }
  return bytes
}
