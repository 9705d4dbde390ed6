import { setImmediate as nextTurn } from 'node:timers/promises'
import { type AllBatch, type AllQuery, matchesFilter, type Position, pages } from '@annals/core'
import type { Connection, Row } from './connection.js'
import { filterCondition } from './filter-condition.js'
import { firstPage, type PageSize } from './page-size.js'
import { fromPosition, toPosition } from './positions.js'
import type { SqliteFile } from './sqlite-file.js'
import { eventColumns, storedEvent } from './stored-event.js'

const selectHead = 'SELECT max(position) FROM annals_events'

const order = { forwards: '', backwards: 'DESC' }

function selectCandidates(direction: AllQuery['direction'], condition: string, columns: string) {
  return `SELECT ${columns} FROM annals_events
    WHERE position BETWEEN ? AND ? AND ${condition} ORDER BY position ${order[direction]} LIMIT ?`
}

function selectEvents(direction: AllQuery['direction']) {
  return `SELECT ${eventColumns} FROM annals_events
    WHERE position IN (SELECT value FROM json_each(?)) ORDER BY position ${order[direction]}`
}

/** Where the next step begins (exclusive), and how many events may still be given. */
interface Cursor {
  readonly after: number
  readonly left: number
}

export function readAll(
  file: SqliteFile,
  query: AllQuery,
  size: PageSize,
): AsyncIterable<AllBatch> {
  return pages<AllBatch, Cursor>(query.signal, async (cursor, signal) => {
    // As in readStream: lets timers and aborts in.
    await nextTurn(undefined, { signal })
    const after = query.after === null ? undefined : fromPosition(query.after)
    return step(file.reader, query, size, cursor?.after ?? after, cursor?.left ?? query.limit)
  })
}

function step(
  reader: Connection,
  query: AllQuery,
  size: PageSize,
  after: number | undefined,
  left: number,
) {
  const { direction } = query
  const forwards = direction === 'forwards'
  // What is below the head is final: a position is made only after all lower ones are committed.
  const head = headSequence(reader)
  const start = after ?? (forwards ? 0 : head + 1)
  // The window, both ends included; empty where `after` lies beyond the end.
  const high = forwards ? Math.min(start + size.scanned, head) : Math.min(start - 1, head)
  const low = forwards ? start + 1 : Math.max(high - size.scanned + 1, 1)
  const rows = candidates(reader, query, size, low, high)
  const taken = firstPage(rows.slice(0, left), size)
  const events = taken.length === 0 ? [] : fetchEvents(reader, direction, taken)

  const end = forwards ? Math.max(high, start) : low > 1 ? low : 0
  // A page that was cut has looked only as far as its last event.
  const scanned = taken.length < rows.length ? Number(taken.at(-1)![0]) : end
  const atHead = forwards ? scanned >= head : scanned === 0
  const page: AllBatch = { events, scannedTo: toPosition(scanned), atHead }
  const remaining = left - events.length
  return { page, next: atHead || remaining <= 0 ? null : { after: scanned, left: remaining } }
}

/** Position and size of what passes the filter in a window, in the order of the reading. */
function candidates(
  reader: Connection,
  query: AllQuery,
  size: PageSize,
  low: number,
  high: number,
): Row[] {
  const { direction, filter } = query
  const condition = filterCondition(filter)
  if (condition) {
    const sql = selectCandidates(direction, condition.sql, 'position, bytes')
    // One more than a page holds, to know whether it is the last one of the window.
    return reader.all(sql, low, high, ...condition.parameters, size.events + 1)
  }
  const columns = 'position, bytes, stream_id, type'
  return reader
    .all(selectCandidates(direction, 'TRUE', columns), low, high, size.scanned)
    .filter(([, , streamId, type]) => {
      return matchesFilter(filter, { streamId: String(streamId), type: String(type) })
    })
}

function fetchEvents(reader: Connection, direction: AllQuery['direction'], rows: readonly Row[]) {
  const positions = JSON.stringify(rows.map((row) => row[0]))
  return reader.all(selectEvents(direction), positions).map(storedEvent)
}

function headSequence(reader: Connection): number {
  return Number(reader.get(selectHead)?.[0] ?? 0)
}

export function headPosition(file: SqliteFile): Position | null {
  const head = headSequence(file.reader)
  return head === 0 ? null : toPosition(head)
}
