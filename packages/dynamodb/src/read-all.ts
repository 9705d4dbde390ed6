import { type AllBatch, type AllQuery, type Position, pages, type StoredEvent } from '@annals/core'
import type { Counter } from './counter.js'
import { loadSlots, someOf } from './entries.js'
import { runLength } from './keys.js'
import { type Log, windowSlots } from './log.js'
import { endOfSlot, origin, placeOf, positionOf } from './positions.js'
import type { Requests } from './requests.js'
import { type Slot, slotCount } from './slots.js'

/** Slots looked at for a reader that wants few events. */
const fewestSlots = 8

export interface LogReader {
  readonly requests: Requests
  readonly counter: Counter
  readonly log: Log
}

/** All events in ticket order, up to the last ticket at the beginning of the reading. */
export function readAll(reader: LogReader, query: AllQuery): AsyncIterable<AllBatch> {
  return query.direction === 'forwards' ? forwards(reader, query) : backwards(reader, query)
}

interface Cursor {
  /** The ticket to go on with, inclusive. */
  readonly next: number
  /** The last ticket when the reading began. */
  readonly tail: number
  readonly left: number
  readonly scannedTo: Position
  /** Settled slots at hand from `next` on, not given yet. */
  readonly pending: readonly Slot[]
}

function forwards(
  { requests, counter, log }: LogReader,
  { after, filter, limit, signal: ending }: AllQuery,
): AsyncIterable<AllBatch> {
  const place = placeOf(after ?? origin)
  const size = windowFor(limit, filter !== null)

  const begin = async (signal: AbortSignal): Promise<Cursor> => {
    const { ticket: tail } = await counter.read(signal)
    const scannedTo = after ?? origin
    const next = place.index === endOfSlot ? place.ticket + 1 : Math.max(place.ticket, 1)
    const ended = { next: tail + 1, tail, left: limit, scannedTo, pending: [] }
    if (next > tail) return ended
    // A place that an append returned may have holes below it, and what is given from here on must not be preceded by
    // an event that is yet to come (ALL-4).
    const below = Math.min(place.ticket, tail)
    if ((await log.settleUpTo(below, tail, signal)) < below) return ended
    return { ...ended, next }
  }

  const fetchPage = async (cursor: Cursor | null, signal: AbortSignal) => {
    const { next, tail, left, scannedTo, pending } = cursor ?? (await begin(signal))
    let slots = pending
    while (slots.length === 0) {
      const ended: AllBatch = { events: [], scannedTo, atHead: true }
      if (next > tail) return { page: ended, next: null }
      const window = await log.read(next, Math.min(windowEnd(next, size), tail), signal)
      const hole = window.indexOf(undefined)
      slots = (hole === -1 ? window : window.slice(0, hole)) as Slot[]
      log.know(next, next + slots.length - 1)
      if (slots.length > 0) break
      const hasLater = window.some((slot) => slot !== undefined)
      if ((await log.settle(next, tail, hasLater, signal)) === 'end') {
        return { page: ended, next: null }
      }
    }
    const taken = someOf(slots)
    const loaded = await loadSlots(requests, taken, filter, signal)
    const events = after === null ? loaded : loaded.filter((event) => event.position > after)
    const last = taken.at(-1)!.ticket
    if (events.length >= left) {
      // The end of the slot, where nothing is left of it, lets the next reading begin behind it.
      const given = events.slice(0, left)
      const page: AllBatch = {
        events: given,
        scannedTo: given.at(-1)!.position,
        atHead: last === tail && events.length === left,
      }
      return { page, next: null }
    }
    const page: AllBatch = {
      events,
      scannedTo: positionOf(last, endOfSlot),
      atHead: last === tail,
    }
    return {
      page,
      next: page.atHead
        ? null
        : {
            next: last + 1,
            tail,
            left: left - events.length,
            scannedTo: page.scannedTo,
            pending: slots.slice(taken.length),
          },
    }
  }

  return pages<AllBatch, Cursor>(ending, fetchPage)
}

function backwards(
  { requests, counter, log }: LogReader,
  { after, filter, limit, signal: ending }: AllQuery,
): AsyncIterable<AllBatch> {
  const size = windowFor(limit, filter !== null)

  const begin = async (signal: AbortSignal): Promise<Cursor> => {
    const { ticket: tail } = await counter.read(signal)
    const place = after === null ? { ticket: tail, index: endOfSlot } : placeOf(after)
    const top = Math.min(place.index <= 1 ? place.ticket - 1 : place.ticket, tail)
    // Nothing may be given while something can still come to stand below it (ALL-4).
    const next = Math.min(top, await log.settleUpTo(top, tail, signal))
    return { next, tail, left: limit, scannedTo: after ?? positionOf(tail, endOfSlot), pending: [] }
  }

  const fetchPage = async (cursor: Cursor | null, signal: AbortSignal) => {
    const { next, tail, left, pending } = cursor ?? (await begin(signal))
    let slots = pending
    while (slots.length === 0) {
      if (next < 1) {
        const page: AllBatch = { events: [], scannedTo: origin, atHead: true }
        return { page, next: null }
      }
      const window = await log.read(Math.max(1, next - size + 1), next, signal)
      const hole = window.lastIndexOf(undefined)
      slots = (window.slice(hole + 1) as Slot[]).reverse()
      // Everything here was settled before; a slot that is gone means a table restored to an earlier time.
      if (slots.length === 0) await log.settle(next, tail, true, signal)
    }
    const taken = someOf(slots)
    const loaded = await loadSlots(requests, [...taken].reverse(), filter, signal)
    const events: StoredEvent[] = loaded
      .filter((event) => after === null || event.position < after)
      .reverse()
    const last = taken.at(-1)!.ticket
    if (events.length >= left) {
      const given = events.slice(0, left)
      const page: AllBatch = {
        events: given,
        scannedTo: given.at(-1)!.position,
        atHead: last === 1 && events.length === left,
      }
      return { page, next: null }
    }
    const atHead = last === 1
    const page: AllBatch = {
      events,
      scannedTo: atHead ? origin : positionOf(last, 0),
      atHead,
    }
    return {
      page,
      next: atHead
        ? null
        : {
            next: last - 1,
            tail,
            left: left - events.length,
            scannedTo: page.scannedTo,
            pending: slots.slice(taken.length),
          },
    }
  }

  return pages<AllBatch, Cursor>(ending, fetchPage)
}

/** The last event that a reader of all is given now. */
export async function headPosition(
  { counter, log }: LogReader,
  signal: AbortSignal,
): Promise<Position | null> {
  const { ticket: tail } = await counter.read(signal)
  let next = await log.settleUpTo(tail, tail, signal)
  let size = fewestSlots
  while (next >= 1) {
    const from = Math.max(1, next - size + 1)
    const slots = await log.read(from, next, signal)
    // Junk holds no event, so the head is the last slot that is not junk.
    for (const slot of slots.reverse()) {
      if (slot && slot.entries.length > 0) return positionOf(slot.ticket, slotCount(slot))
    }
    next = from - 1
    size = Math.min(size * 2, windowSlots)
  }
  return null
}

/** A large window ends with a run, so that the next one begins with one, and no run is asked for twice. */
function windowEnd(next: number, size: number): number {
  const runs = Math.floor(size / runLength)
  return runs === 0 ? next + size - 1 : (Math.floor(next / runLength) + runs) * runLength - 1
}

function windowFor(limit: number, filtered: boolean): number {
  return filtered ? windowSlots : Math.min(windowSlots, Math.max(limit, fewestSlots))
}
