import type { Position } from '@annals/core'

// A position is the ticket of the append's slot in the log and the event's number in that slot, from 1. Fixed widths
// make the order of strings the order of events. 16 digits hold every safe integer.
const tag = 'ddb1'
const lastIndex = 9999

export const positionPattern = /^ddb1-\d{16}-\d{4}$/

export interface Place {
  readonly ticket: number
  /** The event's number in its slot, from 1; 0 precedes and `endOfSlot` follows all of the slot's events. */
  readonly index: number
}

export const endOfSlot = lastIndex

export function positionOf(ticket: number, index: number): Position {
  return `${tag}-${padded(ticket, 16)}-${padded(index, 4)}`
}

export function placeOf(position: Position): Place {
  return { ticket: Number(position.slice(5, 21)), index: Number(position.slice(22)) }
}

/** Precedes every event: tickets begin at 1. */
export const origin: Position = positionOf(0, 0)

export function padded(value: number, width: number): string {
  return value.toString().padStart(width, '0')
}
