import { setImmediate as nextTurn } from 'node:timers/promises'
import { pages, type StoredEvent, type StreamQuery } from '@annals/core'
import type { Connection } from './connection.js'
import { firstPage, type PageSize } from './page-size.js'
import type { SqliteFile } from './sqlite-file.js'
import { eventColumns, storedEvent } from './stored-event.js'

const sizes = {
  forwards: `SELECT version, bytes FROM annals_events
    WHERE stream_id = ? AND version >= ? ORDER BY version LIMIT ?`,
  backwards: `SELECT version, bytes FROM annals_events
    WHERE stream_id = ? AND version <= ? ORDER BY version DESC LIMIT ?`,
}
const events = {
  forwards: `SELECT ${eventColumns} FROM annals_events
    WHERE stream_id = ? AND version BETWEEN ? AND ? ORDER BY version`,
  backwards: `SELECT ${eventColumns} FROM annals_events
    WHERE stream_id = ? AND version BETWEEN ? AND ? ORDER BY version DESC`,
}

/** Where the next page begins, and how many events may still be given. */
interface Cursor {
  readonly from: number
  readonly left: number
}

export function readStream(
  file: SqliteFile,
  query: StreamQuery,
  size: PageSize,
): AsyncIterable<readonly StoredEvent[]> {
  const first = { from: query.fromVersion ?? Number.MAX_SAFE_INTEGER, left: query.limit }
  return nonEmpty(
    pages<StoredEvent[], Cursor>(query.signal, async (cursor, signal) => {
      // SQLite answers in the same turn. Without a pause, a long read would let neither timers nor aborts in.
      await nextTurn(undefined, { signal })
      return fetchPage(file.reader, query, cursor ?? first, size)
    }),
  )
}

function fetchPage(
  reader: Connection,
  { streamId, direction }: StreamQuery,
  cursor: Cursor,
  size: PageSize,
) {
  const wanted = Math.min(cursor.left, size.events)
  const rows = reader.all(sizes[direction], streamId, cursor.from, wanted)
  const taken = firstPage(rows, size)
  if (taken.length === 0) return { page: [], next: null }
  const from = Number(taken[0]![0])
  const to = Number(taken.at(-1)![0])
  const page = reader
    .all(events[direction], streamId, Math.min(from, to), Math.max(from, to))
    .map(storedEvent)
  const left = cursor.left - page.length
  const more = left > 0 && (taken.length < rows.length || rows.length === wanted)
  return { page, next: more ? { from: direction === 'forwards' ? to + 1 : to - 1, left } : null }
}

async function* nonEmpty(batches: AsyncIterable<readonly StoredEvent[]>) {
  for await (const batch of batches) if (batch.length > 0) yield batch
}
