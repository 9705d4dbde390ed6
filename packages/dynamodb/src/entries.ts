import { CorruptError, type Filter, matchesFilter, quote, type StoredEvent } from '@annals/core'
import { fetchCommitted } from './items.js'
import { type Item, type Key, partKey, recordKey } from './keys.js'
import { decodeEvents } from './records.js'
import type { Requests } from './requests.js'
import type { Entry, Slot } from './slots.js'

/** Bytes of events fetched for one batch. */
const batchBytes = 2 * 1024 * 1024

/** As many slots as may be loaded at once, at least one. */
export function someOf(slots: readonly Slot[]): readonly Slot[] {
  let bytes = 0
  const end = slots.findIndex((slot, i) => {
    for (const entry of slot.entries) if (!entry.events) bytes += entry.bytes
    return i > 0 && bytes > batchBytes
  })
  return end === -1 ? slots : slots.slice(0, end)
}

/**
 * The events of slots that pass the filter, ascending. What the filter refuses by what the slot says of stream and types is
 * not fetched; what rides in the slot needs no fetching.
 */
export async function loadSlots(
  requests: Requests,
  slots: readonly Slot[],
  filter: Filter | null,
  signal: AbortSignal,
): Promise<StoredEvent[]> {
  const wanted = slots.flatMap((slot) => {
    let firstIndex = 1
    return slot.entries.flatMap((entry) => {
      const piece = { slot, entry, firstIndex }
      firstIndex += entry.count
      return mayPass(filter, entry) ? [piece] : []
    })
  })
  const items = await fetchCommitted(
    requests,
    wanted.flatMap(({ entry }) => (entry.events ? [] : keysOf(entry))),
    signal,
  )
  let next = 0
  return wanted.flatMap(({ slot, entry, firstIndex }) => {
    let { events } = entry
    if (!events) {
      const count = keysOf(entry).length
      events = items.slice(next, next + count).flatMap((item: Item) => item.e?.L ?? [])
      next += count
    }
    const { streamId, first, count } = entry
    if (events.length !== count) {
      throw new CorruptError(
        `Slot ${slot.ticket} of the log says ${count} events of stream ${quote(streamId)} from version ${first}, and there are ${events.length}. Something else has written to the table.`,
      )
    }
    const last = first + count - 1
    const info = { streamId, first, last, ticket: slot.ticket, firstIndex, at: slot.at }
    return decodeEvents(info, events).filter((event) => matchesFilter(filter, event))
  })
}

/** Whether an event of it can pass, as far as the slot tells. */
function mayPass(filter: Filter | null, { streamId, types }: Entry): boolean {
  if (!filter) return true
  if (types) return types.some((type) => matchesFilter(filter, { streamId, type }))
  return matchesFilter({ ...filter, types: undefined }, { streamId, type: '' })
}

/** The items that hold the events. */
function keysOf({ streamId, first, parts }: Entry): readonly Key[] {
  if (parts === 0) return [recordKey(streamId, first)]
  return Array.from({ length: parts }, (_, part) => partKey(streamId, first, part))
}
