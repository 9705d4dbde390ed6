import { setImmediate as turn } from 'node:timers/promises'
import type {
  AppendRequest,
  AppendResult,
  EventReader,
  EventStore,
  RecordedEvent,
  StoreDriver,
  StoredEvent,
} from '@annals/core'
import type { MemoryHarnessOptions, MemoryWorld } from '../../src/index.js'

/** One defect, put into an otherwise healthy store on memory. */
export type Defect = Pick<MemoryHarnessOptions, 'driver' | 'client' | 'store'>

export type Defects = Readonly<Record<string, Defect>>

/** A few turns of the event loop: where another handle gets in between. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}

/** Changes appends, of one stream and of several alike. */
export function appending(
  change: (
    request: AppendRequest,
    next: (request: AppendRequest) => Promise<AppendResult>,
    world: MemoryWorld,
  ) => Promise<AppendResult>,
): Defect {
  return {
    driver: (inner, world) => ({
      ...inner,
      append: (request, signal) => change(request, (r) => inner.append(r, signal), world),
    }),
  }
}

/** The same, with a state of each handle's own. */
export function appendingWith<S>(
  state: () => S,
  change: (
    request: AppendRequest,
    next: (request: AppendRequest) => Promise<AppendResult>,
    state: S,
    world: MemoryWorld,
  ) => Promise<AppendResult>,
): Defect {
  return {
    driver: (inner, world) => {
      const own = state()
      return {
        ...inner,
        append: (request, signal) => change(request, (r) => inner.append(r, signal), own, world),
      }
    },
  }
}

/** Changes single operations of the driver. */
export function driving(
  change: (inner: StoreDriver, world: MemoryWorld) => Partial<StoreDriver>,
): Defect {
  return { driver: (inner, world) => ({ ...inner, ...change(inner, world) }) }
}

/** Changes single operations of the driver on the application's side of the connection. */
export function clientSide(
  change: (inner: StoreDriver, world: MemoryWorld) => Partial<StoreDriver>,
): Defect {
  return { client: (inner, world) => ({ ...inner, ...change(inner, world) }) }
}

/** Changes single calls of the store. */
export function calling(
  change: (inner: EventStore, world: MemoryWorld) => Partial<EventStore>,
): Defect {
  return {
    store: (inner, world) => {
      const close = () => inner.close()
      const whole: EventStore = {
        get capabilities() {
          return inner.capabilities
        },
        get limits() {
          return inner.limits
        },
        migrate: (options) => inner.migrate(options),
        append: (streamId, events, options) => inner.append(streamId, events, options),
        appendToStreams: (appends, options) => inner.appendToStreams(appends, options),
        readStream: (streamId, options) => inner.readStream(streamId, options),
        readAll: (options) => inner.readAll(options),
        subscribeToAll: (options) => inner.subscribeToAll(options),
        subscribeToStream: (streamId, options) => inner.subscribeToStream(streamId, options),
        streamVersion: (streamId, options) => inner.streamVersion(streamId, options),
        headPosition: (options) => inner.headPosition(options),
        checkpoints: inner.checkpoints,
        snapshots: inner.snapshots,
        close,
        [Symbol.asyncDispose]: close,
      }
      const changed = change(inner, world)
      return Object.defineProperties(whole, Object.getOwnPropertyDescriptors(changed))
    },
  }
}

/** State that the handles of one world share. */
export function shared<S>(make: () => S): (world: MemoryWorld) => S {
  const states = new WeakMap<object, S>()
  return (world) => {
    const state = states.get(world.database) ?? make()
    states.set(world.database, state)
    return state
  }
}

export async function* mapped<A, B>(
  source: AsyncIterable<A>,
  change: (item: A, index: number) => B,
): AsyncGenerator<B, void, undefined> {
  let index = 0
  for await (const item of source) yield change(item, index++)
}

/** Changes the messages of a subscription one by one; null leaves one out. Ends as the inner one does. */
export function messages<M>(
  source: AsyncIterable<M>,
  change: (message: M) => M | null | Promise<M | null>,
): AsyncIterable<M> {
  return {
    [Symbol.asyncIterator]() {
      const inner = source[Symbol.asyncIterator]()
      return {
        async next() {
          for (;;) {
            const next = await inner.next()
            if (next.done) return next
            const message = await change(next.value)
            if (message !== null) return { done: false, value: message }
          }
        },
        async return() {
          await inner.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
}

export function reader(make: () => Promise<RecordedEvent[]>): EventReader {
  async function* batches() {
    const events = await make()
    if (events.length > 0) yield events
  }
  return {
    batches,
    toArray: make,
    async *[Symbol.asyncIterator]() {
      yield* await make()
    },
  }
}

/** All the events that the inner driver has now. */
export function stored(world: MemoryWorld): readonly StoredEvent[] {
  return world.database.events
}

export function streamOf(world: MemoryWorld, streamId: string): readonly StoredEvent[] {
  return world.database.streams.get(streamId)?.events ?? []
}

/** Whether every id of the append is in the stream. */
export function knowsAll(world: MemoryWorld, request: AppendRequest): boolean {
  const ids = new Set(streamOf(world, request.streamId).map((event) => event.id))
  return request.events.every((event) => ids.has(event.id))
}
