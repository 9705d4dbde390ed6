import type { Filter, Position } from '@annals/core'
import { matchesFilter } from '@annals/core'
import type { EventTable } from './tables.js'

/** The global order, as far as anybody has spoken of it: all events whose position is known. */
export class Order {
  /** Events by rank. */
  readonly events: Int32Array
  /** Rank by event; -1 where the position is not known. */
  readonly rank: Int32Array
  /** Whether a reader of everything was given the events of rank i and i + 1 one after the other. */
  readonly adjacent: Uint8Array
  /** Whether a reader of everything began with the event of rank 0. */
  beginsSeen = false

  constructor(readonly table: EventTable) {
    const placed: number[] = []
    for (let event = 0; event < table.count; event++) {
      if (table.position[event] !== undefined) placed.push(event)
    }
    const at = table.position as Position[]
    placed.sort((a, b) => (at[a]! < at[b]! ? -1 : 1))
    this.events = Int32Array.from(placed)
    this.rank = new Int32Array(table.count).fill(-1)
    placed.forEach((event, rank) => {
      this.rank[event] = rank
    })
    this.adjacent = new Uint8Array(placed.length)
  }

  get length(): number {
    return this.events.length
  }

  /** How many events lie at or below a position. */
  upTo(position: Position): number {
    const known = this.table.byPosition.get(position)
    if (known !== undefined) return this.rank[known]! + 1
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.table.position[this.events[middle]!]! <= position) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The events of the order that pass a filter. */
export class Selection {
  /** Events, in order. */
  readonly events: Int32Array
  /** By rank: how many of them lie below it. One longer than the order. */
  readonly below: Int32Array
  readonly #matches: (event: number) => boolean

  constructor(order: Order, filter: Filter | null) {
    const { table } = order
    const byStream = new Map<unknown, boolean>()
    const streamFilter = filter && { ...filter, types: undefined }
    const types = filter?.types && new Set(filter.types)
    this.#matches = (event) => {
      if (!filter) return true
      const stream = table.stream[event]!
      let passes = byStream.get(stream)
      if (passes === undefined) {
        passes = matchesFilter(streamFilter, { streamId: stream.name, type: '' })
        byStream.set(stream, passes)
      }
      if (!passes || !types) return passes
      const id = table.id[event]!
      const [group] = stream.groupsWith(id)
      // An event that nobody appended has been told of already.
      return group !== undefined && types.has(group.types[group.ids.indexOf(id)]!)
    }
    this.below = new Int32Array(order.length + 1)
    const selected: number[] = []
    for (let rank = 0; rank < order.length; rank++) {
      this.below[rank] = selected.length
      const event = order.events[rank]!
      if (this.#matches(event)) selected.push(event)
    }
    this.below[order.length] = selected.length
    this.events = Int32Array.from(selected)
  }

  has(event: number): boolean {
    return this.#matches(event)
  }
}
