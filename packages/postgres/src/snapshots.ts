import type { Payload } from '@annals/core'
import type { Queryable } from './database.js'
import { loadPayload, storePayload } from './payloads.js'
import type { SchemaName } from './schema-name.js'

export async function loadSnapshot(
  database: Queryable,
  { sql: s }: SchemaName,
  streamId: string,
  signal: AbortSignal,
): Promise<{ readonly version: number; readonly state: Payload } | null> {
  const [row] = await database.rows(
    {
      text: `select version, encoding, snapshot_data, encode(snapshot_bytes, 'hex') from ${s}.snapshots where stream_id = $1`,
      prepared: true,
    },
    [streamId],
    signal,
  )
  if (row === undefined) return null
  const [version, kind, json, hex] = row
  const where = () => `the snapshot of stream ${JSON.stringify(streamId)}`
  return { version: Number(version), state: loadPayload(kind, json, hex, where) }
}

/** A newer snapshot stays: the condition is decided under the row's lock (SNAP-1). */
export async function saveSnapshot(
  database: Queryable,
  { sql: s }: SchemaName,
  streamId: string,
  version: number,
  state: Payload,
  signal: AbortSignal,
): Promise<void> {
  const stored = storePayload(state)
  await database.rows(
    {
      text: `insert into ${s}.snapshots as o
          (stream_id, stream_type, version, encoding, snapshot_data, snapshot_bytes)
        values ($1, split_part($1, '-', 1), $2, $3, $4, $5::text::bytea)
        on conflict (stream_id) do update
        set version = excluded.version, encoding = excluded.encoding, snapshot_data = excluded.snapshot_data,
          snapshot_bytes = excluded.snapshot_bytes, created_at = now()
        where o.version <= excluded.version`,
      prepared: true,
    },
    [streamId, version, Number(stored.encoding), stored.json, stored.bytes],
    signal,
  )
}

export async function deleteSnapshot(
  database: Queryable,
  { sql: s }: SchemaName,
  streamId: string,
  signal: AbortSignal,
): Promise<void> {
  await database.rows(
    { text: `delete from ${s}.snapshots where stream_id = $1` },
    [streamId],
    signal,
  )
}
