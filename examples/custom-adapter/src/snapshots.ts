import type { Payload } from '@annals/core'
import type { SqliteFile } from './sqlite-file.js'
import { toPayload } from './stored-event.js'

const select = 'SELECT version, state FROM annals_snapshots WHERE stream_id = ?'
const upsert = `
  INSERT INTO annals_snapshots (stream_id, version, state) VALUES (?, ?, ?)
  ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version, state = excluded.state
    WHERE excluded.version >= annals_snapshots.version`
const remove = 'DELETE FROM annals_snapshots WHERE stream_id = ?'

export async function loadSnapshot(
  file: SqliteFile,
  streamId: string,
): Promise<{ readonly version: number; readonly state: Payload } | null> {
  const row = file.reader.get(select, streamId)
  const state = toPayload(row?.[1])
  return state === undefined ? null : { version: Number(row![0]), state }
}

export async function saveSnapshot(
  file: SqliteFile,
  streamId: string,
  version: number,
  state: Payload,
): Promise<void> {
  await file.write((connection) => connection.run(upsert, streamId, version, state))
}

export async function deleteSnapshot(file: SqliteFile, streamId: string): Promise<void> {
  await file.write((connection) => connection.run(remove, streamId))
}
