import type { Position } from '@annals/core'
import type { Connection } from './connection.js'
import type { SqliteFile } from './sqlite-file.js'

const select = 'SELECT position FROM annals_checkpoints WHERE subscription_id = ?'
const upsert = `
  INSERT INTO annals_checkpoints (subscription_id, position) VALUES (?, ?)
  ON CONFLICT (subscription_id) DO UPDATE SET position = excluded.position`
const remove = 'DELETE FROM annals_checkpoints WHERE subscription_id = ?'

export async function loadCheckpoint(file: SqliteFile, id: string): Promise<Position | null> {
  return load(file.reader, id)
}

export function saveCheckpoint(
  file: SqliteFile,
  id: string,
  position: Position,
  expected: Position | null | undefined,
): Promise<null | { readonly actual: Position | null }> {
  return file.write((connection) => {
    if (expected !== undefined) {
      const actual = load(connection, id)
      if (actual !== expected) return { actual }
    }
    connection.run(upsert, id, position)
    return null
  })
}

export async function deleteCheckpoint(file: SqliteFile, id: string): Promise<void> {
  await file.write((connection) => connection.run(remove, id))
}

function load(connection: Connection, id: string): Position | null {
  const row = connection.get(select, id)
  return row ? String(row[0]) : null
}
