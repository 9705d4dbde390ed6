import type { RecordedEvent } from 'annals'
import type { ShopEvent } from '../read-model.js'

/** Something that must be true of the events. It does not trust the code that wrote them, and shares none of it. */
export interface Invariant {
  readonly rule: string
  readonly violations: string[]
  /** Called with each event, in the store's order. */
  see(event: RecordedEvent<ShopEvent>): void
  /** Called when all have been seen. */
  end?(): void
}
