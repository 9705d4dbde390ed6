import type { Direction, ExpectedVersion, Filter } from '@annals/core'

/** An event as the model keeps it: everything that the contract fixes, and nothing that a store may choose. */
export interface ModelEvent {
  readonly id: string
  readonly streamId: string
  readonly version: number
  readonly type: string
  readonly data: unknown
  readonly metadata: unknown
}

export type NewModelEvent = Omit<ModelEvent, 'streamId' | 'version'>

export type Verdict =
  | { readonly kind: 'written' | 'repeated'; readonly version: number }
  | { readonly kind: 'conflict'; readonly actual: number }
  | { readonly kind: 'duplicate' }

/** The contract in its plainest form: one array of events, no store, no batches, no clever lookups. */
export class Model {
  readonly all: ModelEvent[] = []
  readonly checkpoints = new Map<string, string>()
  readonly snapshots = new Map<string, { version: number; state: unknown }>()

  stream(streamId: string): ModelEvent[] {
    return this.all.filter((event) => event.streamId === streamId)
  }

  decide(streamId: string, events: readonly NewModelEvent[], expected: ExpectedVersion): Verdict {
    const stream = this.stream(streamId)
    const starts = typeof expected === 'number' ? [expected] : stream.map((_, i) => i)
    const start = starts.find((at) => events.every((event, i) => stream[at + i]?.id === event.id))
    if (start !== undefined) return { kind: 'repeated', version: start + events.length }
    const conflict =
      typeof expected === 'number'
        ? expected !== stream.length
        : expected === 'exists' && stream.length === 0
    if (conflict) return { kind: 'conflict', actual: stream.length }
    if (stream.some((old) => events.some((event) => event.id === old.id)))
      return { kind: 'duplicate' }
    return { kind: 'written', version: stream.length + events.length }
  }

  write(streamId: string, events: readonly NewModelEvent[]): void {
    for (const event of events)
      this.all.push({ ...event, streamId, version: this.stream(streamId).length + 1 })
  }

  readStream(
    streamId: string,
    direction: Direction,
    from: number | undefined,
    limit: number | undefined,
  ): ModelEvent[] {
    const stream = this.stream(streamId)
    const part =
      direction === 'forwards'
        ? stream.filter((e) => e.version >= (from ?? 1))
        : stream.filter((e) => e.version <= (from ?? stream.length)).reverse()
    return part.slice(0, limit)
  }

  /** `after`: how many events lie before the place, that is, the index of the first one above it. */
  readAll(
    direction: Direction,
    after: number | undefined,
    limit: number | undefined,
    filter: Filter,
  ): ModelEvent[] {
    const part =
      direction === 'forwards'
        ? this.all.slice(after ?? 0)
        : this.all
            .slice(0, after === undefined ? this.all.length : Math.max(0, after - 1))
            .reverse()
    return part.filter((e) => passes(filter, e)).slice(0, limit)
  }
}

function passes(filter: Filter, event: ModelEvent): boolean {
  if (filter.types && !filter.types.some((type) => type === event.type)) return false
  if (filter.categories && !filter.categories.some((c) => c === event.streamId.split('-', 1)[0]))
    return false
  return !(
    filter.streamPrefixes && !filter.streamPrefixes.some((p) => event.streamId.indexOf(p) === 0)
  )
}
