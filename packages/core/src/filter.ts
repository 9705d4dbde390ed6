import type { RecordedEvent } from './events.js'
import { categoryOf } from './events.js'

/** Selects events: OR inside a list, AND between the lists. A list that is absent selects everything. */
export interface Filter {
  /** Streams whose category is one of these. */
  readonly categories?: readonly string[] | undefined
  /** Streams whose id starts with one of these. */
  readonly streamPrefixes?: readonly string[] | undefined
  /** Events whose type is one of these. */
  readonly types?: readonly string[] | undefined
}

/** Whether an event of this stream and type passes the filter. For a driver whose database cannot filter by itself. */
export function matchesFilter(
  filter: Filter | null | undefined,
  event: Pick<RecordedEvent, 'streamId' | 'type'>,
): boolean {
  if (!filter) return true
  if (filter.types && !filter.types.includes(event.type)) return false
  if (filter.categories && !filter.categories.includes(categoryOf(event.streamId))) return false
  if (filter.streamPrefixes && !filter.streamPrefixes.some((p) => event.streamId.startsWith(p)))
    return false
  return true
}
