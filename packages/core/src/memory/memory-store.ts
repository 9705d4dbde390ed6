import { createEventStore } from '../driver-event-store.js'
import type { EventStore, StoreOptions } from '../event-store.js'
import { MemoryDatabase } from './memory-database.js'
import { memoryDriver } from './memory-driver.js'

export interface MemoryStoreOptions extends StoreOptions {
  /** The data to work on. Default: an empty one of its own. */
  readonly database?: MemoryDatabase | undefined
}

/** An event store in this process's memory, with the full contract: for tests, and for work that need not last. */
export function memoryStore(options: MemoryStoreOptions = {}): EventStore {
  return createEventStore(memoryDriver(options.database ?? new MemoryDatabase()), options)
}
