import { setTimeout as pause } from 'node:timers/promises'
import {
  type EventShape,
  type EventStore,
  isEventStoreError,
  type NewEvent,
  type Position,
  type RecordedEvent,
} from 'annals'
import type { Trail } from './trail.js'

/** A stream with the state that its events add up to. */
export interface Aggregate<S, E extends EventShape> {
  readonly streamId: string
  readonly initial: S
  evolve(state: S, event: E | Fact<E>): S
  /** Keeps a snapshot each so many events, for a stream that grows long. Its state must be a JSON value. */
  readonly snapshot?: {
    readonly every: number
    /** Goes up when the shape of the state changes: older snapshots are then passed over. */
    readonly shape: number
  }
}

/** An event as it was read, or as it was just appended. */
export type Fact<E extends EventShape> = NewEvent<E> | RecordedEvent<E>

export interface Loaded<S, E extends EventShape> {
  readonly state: S
  readonly version: number
  /** Of the last event; null if none was read or appended. */
  readonly position: Position | null
  /** All of the stream's, unless the aggregate keeps snapshots: then those since. */
  readonly events: readonly Fact<E>[]
}

/** More often than any real contention needs; then something else is wrong. */
const maxAttempts = 100

/** Reads the stream, from its snapshot where it has one. */
export async function load<S, E extends EventShape>(
  store: EventStore,
  aggregate: Aggregate<S, E>,
): Promise<Loaded<S, E>> {
  const start = await fromSnapshot(store, aggregate)
  return catchUp(store, aggregate, start)
}

/**
 * Decides on the stream's state and appends what was decided at the version that the decision was based on. If another
 * writer came first, it reads what is new and decides again.
 *
 * @param known What was loaded before. Default: it is loaded.
 */
export async function change<S, E extends EventShape>(
  store: EventStore,
  aggregate: Aggregate<S, E>,
  trail: Trail,
  decide: (loaded: Loaded<S, E>) => readonly NewEvent<E>[],
  known?: Loaded<S, E>,
): Promise<Loaded<S, E> & { readonly changed: boolean }> {
  let loaded = known ?? (await load(store, aggregate))
  for (let attempt = 1; ; attempt++) {
    const decided = decide(loaded)
    if (decided.length === 0) {
      if (loaded.position !== null) trail.reached(loaded.position)
      return { ...loaded, changed: false }
    }
    try {
      const { version, position } = await store.append(aggregate.streamId, decided, {
        expectedVersion: loaded.version,
      })
      trail.reached(position)
      const state = decided.reduce<S>(aggregate.evolve, loaded.state)
      await keepSnapshot(store, aggregate, loaded.version, { version, state })
      return { state, version, position, events: [...loaded.events, ...decided], changed: true }
    } catch (error) {
      if (!isEventStoreError(error, 'WRONG_EXPECTED_VERSION') || attempt === maxAttempts) {
        throw error
      }
      trail.conflicts++
      // At first at once; when many contend, at different times.
      if (attempt > 2) await pause(Math.random() * Math.min(2 ** attempt, 50))
      loaded = await catchUp(store, aggregate, loaded)
    }
  }
}

async function catchUp<S, E extends EventShape>(
  store: EventStore,
  aggregate: Aggregate<S, E>,
  from: Loaded<S, E>,
): Promise<Loaded<S, E>> {
  const news = await store
    .readStream<E>(aggregate.streamId, { fromVersion: from.version + 1 })
    .toArray()
  return {
    state: news.reduce<S>(aggregate.evolve, from.state),
    version: from.version + news.length,
    position: news.at(-1)?.position ?? from.position,
    events: [...from.events, ...news],
  }
}

async function fromSnapshot<S, E extends EventShape>(
  store: EventStore,
  { streamId, initial, snapshot }: Aggregate<S, E>,
): Promise<Loaded<S, E>> {
  if (snapshot) {
    const kept = await store.snapshots.load<{ shape: number; state: S }>(streamId)
    if (kept?.state.shape === snapshot.shape) {
      return { state: kept.state.state, version: kept.version, position: null, events: [] }
    }
  }
  return { state: initial, version: 0, position: null, events: [] }
}

async function keepSnapshot<S, E extends EventShape>(
  store: EventStore,
  { streamId, snapshot }: Aggregate<S, E>,
  before: number,
  { version, state }: { version: number; state: S },
): Promise<void> {
  if (!snapshot) return
  if (Math.floor(version / snapshot.every) === Math.floor(before / snapshot.every)) return
  try {
    await store.snapshots.save({ streamId, version, state: { shape: snapshot.shape, state } })
  } catch (error) {
    // The events are recorded and the request succeeded: a lost snapshot costs the next reader time, nothing else.
    console.error(`No snapshot of ${streamId} at version ${version}:`, error)
  }
}
