import type { ClientSlot } from './client.js'
import type { Names } from './names.js'

/** What every operation of one store works with. */
export interface Context {
  readonly names: Names
  /** For reads, which all go through the client's native reader. */
  readonly readers: ClientSlot
  /** For appends and subscriptions, which go through the client's own connection. */
  readonly writers: ClientSlot
  readonly deadlineMs: number
}
