import type { Position } from 'annals'

/** What the handling of one request leaves to tell. */
export class Trail {
  /** How often another writer came first, so that the decision was taken again. */
  conflicts = 0
  /** Where the last event that the request wrote or answered with stands: a read model that got there has seen it. */
  position: Position | null = null

  reached(position: Position): void {
    if (this.position === null || position > this.position) this.position = position
  }
}
