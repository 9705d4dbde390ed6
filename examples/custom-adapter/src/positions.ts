import type { Position } from '@annals/core'

// 15 digits: every position is a safe integer of JavaScript, and fixed width makes the order of strings that of numbers.
const digits = 15

export const positionPattern = /^sq[0-9]{15}$/

export function toPosition(sequence: number): Position {
  return `sq${String(sequence).padStart(digits, '0')}`
}

export function fromPosition(position: Position): number {
  return Number(position.slice(2))
}

/** SQLite's first sequence is 1. */
export const origin = toPosition(0)
