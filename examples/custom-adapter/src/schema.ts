import { SchemaMissingError, UnavailableError } from '@annals/core'
import type { Connection } from './connection.js'
import type { SqliteFile } from './sqlite-file.js'

const schemaVersion = 1

// - STRICT, so that no column changes what it is given; `data ANY` keeps text as text and bytes as bytes. Without it the
//   JSON text 1e400 or 007 would come back as a number.
// - No COLLATE: the default compares text as the bytes of its UTF-8, so that Order-1 and order-1 are two streams.
// - AUTOINCREMENT: without it, SQLite gives the highest position again after somebody deleted the last row by hand.
// - The large columns last: SQLite finds the others without reading them.
const tables = `
  CREATE TABLE annals_events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    stream_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    id TEXT NOT NULL,
    category TEXT NOT NULL,
    type TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    data ANY NOT NULL,
    UNIQUE (stream_id, version),
    UNIQUE (stream_id, id)
  ) STRICT;
  CREATE TABLE annals_checkpoints (
    subscription_id TEXT PRIMARY KEY,
    position TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE annals_snapshots (
    stream_id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    state ANY NOT NULL
  ) STRICT;
  INSERT INTO annals_schema VALUES (${schemaVersion});
`

export function migrate(file: SqliteFile): void {
  const connection = file.openForMigration()
  try {
    // Readers then read beside a writer, from the log. The file remembers it.
    const mode = connection.get('PRAGMA journal_mode = WAL')?.[0]
    if (mode !== 'wal') {
      throw new UnavailableError(
        `SQLite cannot keep a write-ahead log for ${file.path} (journal_mode is ${mode}): put the file on a local disk.`,
      )
    }
    // The lock makes one of several processes that migrate at once create the tables, and the others find them.
    connection.exec('BEGIN IMMEDIATE')
    connection.exec('CREATE TABLE IF NOT EXISTS annals_schema (version INTEGER NOT NULL) STRICT')
    const found = versionOf(connection)
    if (found === undefined) connection.exec(tables)
    else if (found !== schemaVersion) throw otherVersion(file.path, found)
    connection.exec('COMMIT')
  } finally {
    connection.close()
  }
}

/** @throws SCHEMA_MISSING */
export function assertSchema(connection: Connection, path: string): void {
  const found = versionOf(connection)
  if (found === undefined) {
    throw new SchemaMissingError(`The tables of Annals are not in ${path}: call migrate().`)
  }
  if (found !== schemaVersion) throw otherVersion(path, found)
}

function versionOf(connection: Connection): number | undefined {
  if (!connection.get("SELECT 1 FROM sqlite_schema WHERE name = 'annals_schema'")) return undefined
  const row = connection.get('SELECT version FROM annals_schema')
  return row && Number(row[0])
}

function otherVersion(path: string, found: number): SchemaMissingError {
  return new SchemaMissingError(
    `The tables of Annals in ${path} are of version ${found}, and this release knows version ${schemaVersion}: use the release that made them.`,
  )
}
