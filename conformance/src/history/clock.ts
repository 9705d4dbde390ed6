import type { Micros } from './format.js'

/*
 * `process.hrtime` is CLOCK_MONOTONIC on Linux: one clock for all processes of a machine, which no time server sets
 * back. Histories of several machines can't be merged by it.
 */

/** The time before something, rounded down. */
export function before(): Micros {
  return Number(process.hrtime.bigint() / 1000n)
}

/** The time after something, rounded up. */
export function after(): Micros {
  return Number(process.hrtime.bigint() / 1000n) + 1
}
