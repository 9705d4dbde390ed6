import { CorruptError } from '@annals/core'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { itemSize } from './item-size.js'
import { type Item, slotKey } from './keys.js'

// A slot is a ticket's place in the log: what was written with it, or junk where its writer was given up. Write-once.
//   at recorded, ms        j  present: junk
//   w  what was written, a list for each stream: [stream, first version, count, bytes, parts, events or types]

/**
 * An item is charged by started KB, so the payload rides in the slot for nothing as long as the slot stays within one, and
 * spares whoever reads all a second request.
 */
const maxSlotBytes = 1024

/** Types named in a slot without payload, so that a filter can pass over it; more than this and the filter reads the events. */
const maxTypesBytes = 400

export interface Entry {
  readonly streamId: string
  readonly first: number
  readonly count: number
  /** The events' size. */
  readonly bytes: number
  /** Parts that hold the events, 0 where the record itself does. */
  readonly parts: number
  /** The distinct types, where there is room for them. */
  readonly types: readonly string[] | undefined
  /** The events, where there is room for them. */
  readonly events: readonly AttributeValue[] | undefined
}

export interface Slot {
  readonly ticket: number
  readonly at: number
  /** Empty: junk. */
  readonly entries: readonly Entry[]
}

export function encodeSlot(
  ticket: number,
  at: number,
  entries: readonly (Entry & { readonly events: readonly AttributeValue[] })[],
  /** False: the events are not at hand. */
  payload = true,
): Item {
  const item = (inline: boolean): Item => ({
    ...slotKey(ticket),
    at: { N: String(at) },
    w: { L: entries.map((entry) => encodeEntry(entry, inline)) },
  })
  if (!payload) return item(false)
  const full = item(true)
  return itemSize(full) <= maxSlotBytes ? full : item(false)
}

function encodeEntry(entry: Entry & { events: readonly AttributeValue[] }, payload: boolean) {
  const fields: AttributeValue[] = [
    { S: entry.streamId },
    { N: String(entry.first) },
    { N: String(entry.count) },
    { N: String(entry.bytes) },
    { N: String(entry.parts) },
  ]
  if (payload) fields.push({ L: [...entry.events] })
  else if (entry.types && typesBytes(entry.types) <= maxTypesBytes) {
    fields.push({ SS: [...entry.types] })
  }
  return { L: fields }
}

function typesBytes(types: readonly string[]): number {
  return types.reduce((sum, type) => sum + Buffer.byteLength(type) + 1, 0)
}

export function junkItem(ticket: number): Item {
  return { ...slotKey(ticket), j: { BOOL: true } }
}

export function isJunk(item: Item): boolean {
  return item.j !== undefined
}

export function decodeSlot(item: Item): Slot {
  const ticket = Number(item.SK?.S)
  if (isJunk(item)) return { ticket, at: 0, entries: [] }
  const entries = item.w?.L?.map(({ L: fields = [] }): Entry => {
    const [streamId, first, count, bytes, parts, rest] = fields
    return {
      streamId: streamId?.S ?? '',
      first: Number(first?.N),
      count: Number(count?.N),
      bytes: Number(bytes?.N),
      parts: Number(parts?.N),
      types: rest?.SS,
      events: rest?.L,
    }
  })
  if (!entries?.length || !entries.every(({ first, count }) => first >= 1 && count >= 1)) {
    throw new CorruptError(
      `Slot ${ticket} of the log is not a slot of this store. Something else has written to the table.`,
    )
  }
  return { ticket, at: Number(item.at?.N), entries }
}

/** How many events a slot holds. */
export function slotCount(slot: Slot): number {
  return slot.entries.reduce((sum, entry) => sum + entry.count, 0)
}
