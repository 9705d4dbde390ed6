import {
  type AllBatch,
  type AllQuery,
  type Position,
  pages,
  type StoredEvent,
  type StreamQuery,
} from '@annals/core'
import type { Queryable, Row, Statement, Value } from './database.js'
import { bytesOfRows, eventColumns, placeOfRow, rowToEvent } from './events.js'
import { readFrontier } from './frontier.js'
import { PageSize } from './page-size.js'
import { formatPosition, origin, type Place, parsePosition } from './positions.js'
import { allPage, type FilterIndexes, type PageBounds } from './read-all-page.js'
import type { SchemaName } from './schema-name.js'

/**
 * From how many events on the statements of reads are prepared. A prepared statement's plan is made once for a connection,
 * perhaps when the table is of one page, which it is cheapest to scan; and it stays until the next ANALYZE, however much
 * is written meanwhile. From this size on the planner chooses the index, whatever the streams are like (test/operation.test.ts).
 */
const preparedFrom = 10_000

/** Reads events, each page by a statement of its own: a reader holds nothing in the database between two pages. */
export class Reader {
  /** Whether the table is known to be so large that an index leads to a page. */
  #large = false

  constructor(
    private readonly database: Queryable,
    private readonly schema: SchemaName,
    private readonly checkSchema: (signal: AbortSignal) => Promise<FilterIndexes>,
  ) {}

  /** A stream's events straight from the table: whatever was committed is there (READ-2). */
  readStream(query: StreamQuery): AsyncIterable<readonly StoredEvent[]> {
    const forwards = query.direction === 'forwards'
    const text = `select ${eventColumns('e')} from ${this.schema.sql}.events e
      where e.stream_id = $1 and e.version ${forwards ? '>=' : '<='} $2
      order by e.version ${forwards ? 'asc' : 'desc'} limit $3`
    const size = new PageSize()
    let left = query.limit
    return pages(query.signal, async (cursor: number | null, signal) => {
      if (cursor === null) await this.checkSchema(signal)
      const from = cursor ?? query.fromVersion ?? Number.MAX_SAFE_INTEGER
      const asked = Math.min(size.rows, left)
      const values = [query.streamId, from, asked]
      const rows = await this.#rows({ text, prepared: true }, values, signal)
      size.learn(rows.length, bytesOfRows(rows))
      left -= rows.length
      const page = rows.map(rowToEvent)
      const ended = rows.length < asked || left === 0
      return { page, next: ended ? null : page.at(-1)!.version + (forwards ? 1 : -1) }
    })
  }

  /**
   * The global order up to the head as it is when the reading starts. Nothing at or below the head can change any more,
   * so the pages need no frontier of their own.
   */
  readAll(query: AllQuery): AsyncIterable<AllBatch> {
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
        indexes = await this.checkSchema(signal)
        const frontier = await readFrontier(this.database, this.schema, signal)
        const known = frontier.head && positionOf(frontier.head)
        if (known === null || (forwards && known <= after!)) {
          const scannedTo = forwards ? after! : origin
          return { page: { events: [], scannedTo, atHead: true }, next: null }
        }
        head = frontier.head!
        headPosition = known
        this.#learn(head.sequence)
      }
      const asked = Math.min(size.rows, left)
      // Backwards from above the head is backwards from the head.
      const from = cursor ?? (after !== null && after <= headPosition ? parsePosition(after) : null)
      const bounds: PageBounds = { forwards, from, head }
      const page = allPage(this.schema, bounds, query.filter, asked, indexes)
      const found = page.read(await this.#rows(page.statement, page.values, signal))
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

  async #rows(
    { text, prepared = false }: Statement,
    values: readonly Value[],
    signal: AbortSignal,
  ): Promise<readonly Row[]> {
    const statement = { text, prepared: prepared && this.#large }
    const rows = await this.database.rows(statement, values, signal)
    this.#learn(rows.at(-1)?.[5] ?? '0')
    return rows
  }

  #learn(sequence: string): void {
    this.#large ||= Number(sequence) >= preparedFrom
  }
}

export function positionOf({ epoch, transaction, sequence }: Place): string {
  return formatPosition(String(epoch), transaction, sequence)
}
