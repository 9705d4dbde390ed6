import type { Payload, StoredEvent } from '../driver.js'
import type { Position } from '../events.js'

export interface MemoryStream {
  readonly events: StoredEvent[]
  /** The version of each event id. */
  readonly versions: Map<string, number>
}

/** The data of in-memory stores: open several stores on one of it, as several clients share a database. */
export class MemoryDatabase {
  /** All events in the global order. @internal */
  readonly events: StoredEvent[] = []
  /** @internal */
  readonly streams = new Map<string, MemoryStream>()
  /** @internal */
  readonly checkpoints = new Map<string, Position>()
  /** @internal */
  readonly snapshots = new Map<string, { readonly version: number; readonly state: Payload }>()
  /** Called after each append. @internal */
  readonly watchers = new Set<() => void>()
}
