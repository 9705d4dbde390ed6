import type { EventStore, Position } from '@annals/core'

/** Reads what is new each time it is asked, as a projection with a checkpoint does: what it has passed it never sees again. */
export class Follower {
  readonly seen: string[] = []
  position: Position | undefined

  constructor(readonly store: EventStore) {}

  async look(): Promise<void> {
    const from = this.position === undefined ? {} : { after: this.position }
    for await (const event of this.store.readAll(from)) {
      this.seen.push(event.id)
      this.position = event.position
    }
  }

  /** What the whole order holds and this reader will never see: none, if nothing arrives late. */
  async missed(): Promise<string[]> {
    await this.look()
    const seen = new Set(this.seen)
    const all = await this.store.readAll().toArray()
    return all.map((event) => event.id).filter((id) => !seen.has(id))
  }
}
