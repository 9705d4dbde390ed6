import { CorruptError, type Position } from '@annals/core'

/**
 * A place in the global order: first the epoch, then the transaction that wrote, then the number that its sequence
 * gave. `transaction` and `sequence` are decimal, as SQL takes and gives them.
 */
export interface Place {
  readonly epoch: number
  readonly transaction: string
  readonly sequence: string
}

/** Fixed width and ASCII, so that comparing the strings compares the triples. */
export const positionPattern = /^pg1-[0-9a-f]{8}-[0-9a-f]{16}-[0-9a-f]{16}$/

/** Precedes every event: epochs, transactions and sequences all start above zero. */
export const origin: Position = 'pg1-00000000-0000000000000000-0000000000000000'

export function formatPosition(epoch: string, transaction: string, sequence: string): Position {
  return `pg1-${hex(epoch, 8)}-${hex(transaction, 16)}-${hex(sequence, 16)}`
}

export function parsePosition(position: Position): Place {
  if (!positionPattern.test(position)) {
    throw new CorruptError(`${JSON.stringify(position)} is not a position of a PostgreSQL store.`)
  }
  return {
    epoch: Number.parseInt(position.slice(4, 12), 16),
    transaction: BigInt(`0x${position.slice(13, 29)}`).toString(),
    sequence: BigInt(`0x${position.slice(30, 46)}`).toString(),
  }
}

function hex(decimal: string, width: number): string {
  // Up to 15 digits are a safe integer, and numbers are several times faster than bigints.
  const digits = decimal.length <= 15 ? Number(decimal).toString(16) : BigInt(decimal).toString(16)
  return digits.padStart(width, '0')
}
