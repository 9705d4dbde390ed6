import type { Position } from '@annals/core'

/**
 * A position is the record's commit position, a signed 64-bit byte offset in the server's transaction log, in 19
 * digits, so that comparing strings compares numbers. Every record written over gRPC has the same prepare position as
 * commit position, so one number is enough.
 */
const TAG = 'kdb1-'
const DIGITS = 19

export const positionPattern = /^kdb1-\d{19}$/

/** Precedes every event: nothing is ever read at offset 0 with a user's stream. */
export const origin: Position = TAG + '0'.repeat(DIGITS)

/** Behind every event: where a backwards read begins that has not found anything yet. */
export const end: Position = TAG + '9'.repeat(DIGITS)

export function encodePosition(commit: bigint): Position {
  return TAG + commit.toString().padStart(DIGITS, '0')
}

export interface ServerPosition {
  readonly commit: bigint
  readonly prepare: bigint
}

/** Null: before or behind everything. */
export function decodePosition(position: Position | null): ServerPosition | null {
  if (position === null || position === origin || position === end) return null
  const commit = BigInt(position.slice(TAG.length))
  return { commit, prepare: commit }
}
