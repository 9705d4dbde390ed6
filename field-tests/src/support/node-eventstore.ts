import { createRequire } from 'node:module'

// The package has no types; this is what is used of it, as its README has it.
export interface StoredEvent {
  readonly id: string
  readonly streamId: string
  readonly streamRevision: number
  readonly commitStamp: Date
  readonly position?: number
  readonly payload: unknown
}

export interface Stream {
  readonly events: readonly StoredEvent[]
  readonly lastRevision: number
  addEvents(events: readonly unknown[]): void
  commit(callback: Callback<Stream>): void
}

type Callback<T> = (error: unknown, result: T) => void

export interface NodeEventStore {
  init(callback: Callback<void>): void
  getEventStream(query: string, from: number, to: number, callback: Callback<Stream>): void
  getEvents(skip: number, limit: number, callback: Callback<readonly StoredEvent[]>): void
  getLastEvent(query: string, callback: Callback<StoredEvent | undefined>): void
}

const require = createRequire(import.meta.url)
const create = require('eventstore') as (options?: object) => NodeEventStore

/** What a call gives to its callback, as a promise. */
export function called<T>(call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)))
  })
}

/** The default storage, which is in memory; it counts positions. */
export async function nodeEventStore(): Promise<NodeEventStore> {
  const store = create({ type: 'inmemory', trackPosition: true })
  await called<void>((done) => store.init(done))
  return store
}

export const load = (store: NodeEventStore, id: string): Promise<Stream> =>
  called((done) => store.getEventStream(id, 0, -1, done))

export async function commit(stream: Stream, events: readonly unknown[]): Promise<void> {
  stream.addEvents(events)
  await called<Stream>((done) => stream.commit(done))
}
