import type { Row } from './connection.js'

/** How much one step of a read takes on. SQLite's calls stop the process for as long as they take. */
export interface PageSize {
  /** Events of one page, at most. Default: 256, some half a millisecond. */
  readonly events: number
  /** Bytes of one page, at most; an event above it is a page of its own. Default: 1 MiB. */
  readonly bytes: number
  /** Events that a filter is tried on for one page, whether they pass or not. Default: 2,000. */
  readonly scanned: number
}

export const defaultPageSize: PageSize = { events: 256, bytes: 1024 * 1024, scanned: 2_000 }

/** As many rows as make a page. Their second column is the size of the event. */
export function firstPage(rows: readonly Row[], size: PageSize): readonly Row[] {
  let bytes = 0
  const end = rows.findIndex((row, index) => {
    bytes += Number(row[1])
    return index >= size.events || (index > 0 && bytes > size.bytes)
  })
  return end === -1 ? rows : rows.slice(0, end)
}
