import { randomUUID } from 'node:crypto'
import type {
  AppendResult,
  EventMetadata,
  EventStore,
  ExpectedVersion,
  NewEvent,
  RecordedEvent,
} from '@annals/core'

/** An event with an id of its own, so that a case can name it before it is written. */
export interface Draft {
  readonly id: string
  readonly type: string
  readonly data: unknown
  readonly metadata?: EventMetadata | undefined
}

export function draft(overrides: Partial<Draft> = {}): Draft {
  return { id: randomUUID(), type: 'OrderPlaced', data: { total: 1 }, ...overrides }
}

/** `count` events whose data says which they are. */
export function drafts(count: number, label = 'event', overrides: Partial<Draft> = {}): Draft[] {
  return Array.from({ length: count }, (_, i) =>
    draft({ data: { label, n: i + 1 }, ...overrides, id: randomUUID() }),
  )
}

/** Typed bags of arguments that TypeScript would refuse: what a caller in plain JavaScript can do. */
export function malformed(value: unknown): NewEvent {
  return value as NewEvent
}

/**
 * Writes two other streams first. Every case about one stream does so, so that a version is not a position, and a
 * store that mixes them up, or streams, is found out.
 */
export async function writeOthers(store: EventStore): Promise<RecordedEvent[]> {
  await store.append('Neighbour-1', drafts(3, 'neighbour 1'))
  await store.append('Neighbour-2', drafts(2, 'neighbour 2'))
  return store.readAll().toArray()
}

/** Writes `count` events to a stream that nobody else writes, in appends of at most `chunk` events. */
export async function fill(
  store: EventStore,
  streamId: string,
  count: number,
  options: { chunk?: number; overrides?: Partial<Draft>; from?: number } = {},
): Promise<{ drafts: Draft[]; results: AppendResult[] }> {
  const all = drafts(count, streamId, options.overrides)
  const chunk = options.chunk ?? 100
  const results: AppendResult[] = []
  let version = options.from ?? 0
  for (let i = 0; i < all.length; i += chunk) {
    const part = all.slice(i, i + chunk)
    results.push(await store.append(streamId, part, { expectedVersion: version }))
    version += part.length
  }
  return { drafts: all, results }
}

/** One event a call, `count` times, each with the next number. */
export async function writeOneByOne(
  store: EventStore,
  streamId: string,
  count: number,
): Promise<Draft[]> {
  return (await fill(store, streamId, count, { chunk: 1 })).drafts
}

export function idsOf(events: readonly { readonly id?: string | undefined }[]): string[] {
  return events.map((event) => event.id ?? '')
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

/** The expectations that every rule about repeats is examined with. */
export const looseExpectations = ['any', 'exists'] as const satisfies readonly ExpectedVersion[]

/** The same numbers from the same seed (mulberry32), so that a failure can be had again. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
