import {
  type AllBatch,
  type AllQuery,
  type Position,
  pages,
  type StoredEvent,
  type StreamQuery,
} from '@annals/core'
import type { Queryable } from './database.js'
import { bytesOfRows, eventColumns, placeOfRow, rowToEvent } from './events.js'
import { readFrontier } from './frontier.js'
import { PageSize } from './page-size.js'
import { formatPosition, origin, type Place, parsePosition } from './positions.js'
import { allPage, type FilterIndexes, type PageBounds } from './read-all-page.js'
import type { SchemaName } from './schema-name.js'

/**
 * A stream's events straight from the table: whatever was committed is there (READ-2). Each page is a statement of its
 * own, so a reader holds nothing in the database between two pages.
 */
export function readStream(
  database: Queryable,
  { sql: s }: SchemaName,
  checkSchema: (signal: AbortSignal) => Promise<unknown>,
  query: StreamQuery,
): AsyncIterable<readonly StoredEvent[]> {
  const forwards = query.direction === 'forwards'
  const size = new PageSize()
  let left = query.limit
  return pages(query.signal, async (cursor: number | null, signal) => {
    if (cursor === null) await checkSchema(signal)
    const from = cursor ?? query.fromVersion ?? Number.MAX_SAFE_INTEGER
    const asked = Math.min(size.rows, left)
    const rows = await database.rows(
      {
        text: `select ${eventColumns('e')} from ${s}.events e
          where e.stream_id = $1 and e.version ${forwards ? '>=' : '<='} $2
          order by e.version ${forwards ? 'asc' : 'desc'} limit $3`,
      },
      [query.streamId, from, asked],
      signal,
    )
    size.learn(rows.length, bytesOfRows(rows))
    left -= rows.length
    const page = rows.map(rowToEvent)
    const ended = rows.length < asked || left === 0
    return { page, next: ended ? null : page.at(-1)!.version + (forwards ? 1 : -1) }
  })
}

/**
 * The global order up to the head as it is when the reading starts. Nothing at or below the head can change any more, so
 * the pages need no frontier of their own.
 */
export function readAll(
  database: Queryable,
  schema: SchemaName,
  checkSchema: (signal: AbortSignal) => Promise<FilterIndexes>,
  query: AllQuery,
): AsyncIterable<AllBatch> {
  const forwards = query.direction === 'forwards'
  const after = query.after ?? (forwards ? origin : null)
  const size = new PageSize()
  let left = query.limit
  // Known with the first page.
  let indexes: FilterIndexes
  let head: Place
  let headPosition: Position
  return pages(query.signal, async (cursor: Place | null, signal) => {
    if (cursor === null) {
      indexes = await checkSchema(signal)
      const frontier = await readFrontier(database, schema, signal)
      const known = frontier.head && positionOf(frontier.head)
      if (known === null || (forwards && known <= after!)) {
        const scannedTo = forwards ? after! : origin
        return { page: { events: [], scannedTo, atHead: true }, next: null }
      }
      head = frontier.head!
      headPosition = known
    }
    const asked = Math.min(size.rows, left)
    // Backwards from above the head is backwards from the head.
    const from = cursor ?? (after !== null && after <= headPosition ? parsePosition(after) : null)
    const bounds: PageBounds = { forwards, from, head }
    const page = allPage(schema, bounds, query.filter, asked, indexes)
    const rows = await database.rows(page.statement, page.values, signal)
    const found = page.read(rows)
    size.learn(found.rows.length, bytesOfRows(found.rows))
    let kept = found.rows
    let reached = found.reached
    if (kept.length > left) {
      kept = kept.slice(0, left)
      reached = placeOfRow(kept.at(-1)!)
    }
    left -= kept.length
    const scannedTo = reached ? positionOf(reached) : forwards ? headPosition : origin
    const atHead = reached === null || scannedTo === (forwards ? headPosition : origin)
    return {
      page: { events: kept.map(rowToEvent), scannedTo, atHead },
      next: atHead || left === 0 ? null : (reached ?? head),
    }
  })
}

export function positionOf({ epoch, transaction, sequence }: Place): string {
  return formatPosition(String(epoch), transaction, sequence)
}
