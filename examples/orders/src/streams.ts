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
  /** For a stream that grows long: its state (a JSON value) is kept as a snapshot each so many events. */
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

const maxRemembered = 1000

/** Loads aggregates from a store, and changes them. */
export class Streams {
  readonly #store: EventStore
  // What this process saw last, the latest at the end. It may be old: the append's expectation tells.
  readonly #recent = new Map<string, Loaded<unknown, EventShape>>()

  constructor(store: EventStore) {
    this.#store = store
  }

  /** Reads the stream to its end, from its snapshot where it has one. */
  async load<S, E extends EventShape>(aggregate: Aggregate<S, E>): Promise<Loaded<S, E>> {
    return this.#catchUp(aggregate, await this.#fromSnapshot(aggregate))
  }

  /**
   * Decides on the stream's state and appends what was decided at the version that the decision was based on. If another
   * writer came first, it decides again on what is new. To decide nothing, or to refuse by throwing, is final only on a
   * state that was read to the end.
   *
   * @param known What was loaded before. Default: what is in memory, or else it is loaded.
   */
  async change<S, E extends EventShape>(
    aggregate: Aggregate<S, E>,
    trail: Trail,
    decide: (loaded: Loaded<S, E>) => readonly NewEvent<E>[],
    known: Loaded<S, E> | undefined = this.#recall(aggregate),
  ): Promise<Loaded<S, E> & { readonly changed: boolean }> {
    let current = known === undefined
    let loaded = known ?? (await this.load(aggregate))
    for (let attempt = 1; ; ) {
      const decided = decideOn(loaded, current, decide)
      if (decided.length === 0) {
        if (current) {
          if (loaded.position !== null) trail.reached(loaded.position)
          return { ...loaded, changed: false }
        }
        loaded = await this.#catchUp(aggregate, loaded)
        current = true
        continue
      }
      try {
        const changed = await this.#append(aggregate, loaded, decided)
        trail.reached(changed.position)
        return { ...changed, changed: true }
      } catch (error) {
        const conflict = isEventStoreError(error, 'WRONG_EXPECTED_VERSION')
        if (!conflict || attempt++ === maxAttempts) throw error
        trail.conflicts++
        // At first at once; when many contend, at different times.
        if (attempt > 3) await pause(Math.random() * Math.min(2 ** attempt, 50))
        // The one that came first may be of this process, and has told already what it did.
        const recent = this.#recall(aggregate)
        current = recent === undefined || recent.version <= loaded.version
        loaded = current ? await this.#catchUp(aggregate, loaded) : recent!
      }
    }
  }

  async #append<S, E extends EventShape>(
    aggregate: Aggregate<S, E>,
    loaded: Loaded<S, E>,
    decided: readonly NewEvent<E>[],
  ): Promise<Loaded<S, E> & { position: Position }> {
    const { version, position } = await this.#store.append(aggregate.streamId, decided, {
      expectedVersion: loaded.version,
    })
    const state = decided.reduce<S>(aggregate.evolve, loaded.state)
    const changed = { state, version, position, events: [...loaded.events, ...decided] }
    this.#remember(aggregate, changed)
    await this.#keepSnapshot(aggregate, loaded.version, changed)
    return changed
  }

  async #catchUp<S, E extends EventShape>(
    aggregate: Aggregate<S, E>,
    from: Loaded<S, E>,
  ): Promise<Loaded<S, E>> {
    const news = await this.#store
      .readStream<E>(aggregate.streamId, { fromVersion: from.version + 1 })
      .toArray()
    const loaded = {
      state: news.reduce<S>(aggregate.evolve, from.state),
      version: from.version + news.length,
      position: news.at(-1)?.position ?? from.position,
      events: [...from.events, ...news],
    }
    this.#remember(aggregate, loaded)
    return loaded
  }

  #remember<S, E extends EventShape>(aggregate: Aggregate<S, E>, loaded: Loaded<S, E>): void {
    const { streamId, snapshot } = aggregate
    if (loaded.version === 0 || (this.#recent.get(streamId)?.version ?? 0) > loaded.version) return
    this.#recent.delete(streamId)
    this.#recent.set(streamId, snapshot ? { ...loaded, events: [] } : loaded)
    if (this.#recent.size > maxRemembered) {
      const [oldest] = this.#recent.keys()
      this.#recent.delete(oldest!)
    }
  }

  #recall<S, E extends EventShape>({ streamId }: Aggregate<S, E>): Loaded<S, E> | undefined {
    // A stream id always stands for the same kind of aggregate.
    return this.#recent.get(streamId) as Loaded<S, E> | undefined
  }

  async #fromSnapshot<S, E extends EventShape>({
    streamId,
    initial,
    snapshot,
  }: Aggregate<S, E>): Promise<Loaded<S, E>> {
    if (snapshot) {
      const kept = await this.#store.snapshots.load<{ shape: number; state: S }>(streamId)
      if (kept?.state.shape === snapshot.shape) {
        return { state: kept.state.state, version: kept.version, position: null, events: [] }
      }
    }
    return { state: initial, version: 0, position: null, events: [] }
  }

  async #keepSnapshot<S, E extends EventShape>(
    { streamId, snapshot }: Aggregate<S, E>,
    before: number,
    { version, state }: Loaded<S, E>,
  ): Promise<void> {
    if (!snapshot) return
    if (Math.floor(version / snapshot.every) === Math.floor(before / snapshot.every)) return
    try {
      await this.#store.snapshots.save({
        streamId,
        version,
        state: { shape: snapshot.shape, state },
      })
    } catch (error) {
      // The events are recorded and the request succeeded: a lost snapshot costs the next reader time, nothing else.
      console.error(`No snapshot of ${streamId} at version ${version}:`, error)
    }
  }
}

/** Nothing, where the decision was a refusal and the state may be old. */
function decideOn<S, E extends EventShape>(
  loaded: Loaded<S, E>,
  current: boolean,
  decide: (loaded: Loaded<S, E>) => readonly NewEvent<E>[],
): readonly NewEvent<E>[] {
  try {
    return decide(loaded)
  } catch (error) {
    if (current) throw error
    return []
  }
}
