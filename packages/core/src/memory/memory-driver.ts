import type {
  AllBatch,
  AllQuery,
  AppendRequest,
  StoreDriver,
  StoredEvent,
  StreamQuery,
} from '../driver.js'
import { DuplicateEventIdError, UnavailableError, WrongExpectedVersionError } from '../errors.js'
import type { AppendResult } from '../event-store.js'
import type { Position } from '../events.js'
import { matchesFilter } from '../filter.js'
import type { MemoryDatabase, MemoryStream } from './memory-database.js'

/** Events looked at for one batch. */
const batchEvents = 512

/** Position n is the place behind the first n events. */
function positionAt(count: number): Position {
  return `mem1-${count.toString().padStart(16, '0')}`
}

function countAt(position: Position): number {
  return Number(position.slice('mem1-'.length))
}

/** The driver of the in-memory store: the contract in its plainest form, and the reference for the others. */
export function memoryDriver(database: MemoryDatabase): StoreDriver {
  return {
    name: 'memory',
    capabilities: {
      multiStreamAppend: true,
      idempotentAny: 'always',
      uniqueEventIds: 'stream',
      persistence: 'process',
    },
    limits: {
      maxEventBytes: 64 * 1024 * 1024,
      maxAppendBytes: 256 * 1024 * 1024,
      maxAppendEvents: 1_000_000,
      maxStreamIdBytes: 65_536,
    },
    positionPattern: /^mem1-\d{16}$/,
    origin: positionAt(0),

    async append(request) {
      const [result] = appendMany(database, [request])
      return result!
    },
    async appendMany(requests) {
      return appendMany(database, requests)
    },
    readStream: (query) => readStream(database, query),
    readAll: (query) => readAll(database, query),
    async watch(onNews) {
      database.watchers.add(onNews)
      return () => void database.watchers.delete(onNews)
    },
    async streamVersion(streamId) {
      return database.streams.get(streamId)?.events.length ?? 0
    },
    async headPosition() {
      return database.events.at(-1)?.position ?? null
    },
    async loadCheckpoint(subscriptionId) {
      return database.checkpoints.get(subscriptionId) ?? null
    },
    async saveCheckpoint(subscriptionId, position, expected) {
      const actual = database.checkpoints.get(subscriptionId) ?? null
      if (expected !== undefined && expected !== actual) return { actual }
      database.checkpoints.set(subscriptionId, position)
      return null
    },
    async deleteCheckpoint(subscriptionId) {
      database.checkpoints.delete(subscriptionId)
    },
    async loadSnapshot(streamId) {
      const snapshot = database.snapshots.get(streamId)
      return snapshot ? { ...snapshot, state: copied(snapshot.state) } : null
    },
    async saveSnapshot(streamId, version, state) {
      const kept = database.snapshots.get(streamId)
      if (!kept || kept.version <= version) database.snapshots.set(streamId, { version, state })
    },
    async deleteSnapshot(streamId) {
      database.snapshots.delete(streamId)
    },
    async migrate() {},
    async close() {},
    translateError: (error) => ({
      error: new UnavailableError(`The in-memory store failed: ${String(error)}`, { cause: error }),
      retryable: false,
      outcomeUnknown: false,
    }),
  }
}

/** Decides on all requests before it writes any. Runs without a pause, so nothing comes in between. */
function appendMany(database: MemoryDatabase, requests: readonly AppendRequest[]): AppendResult[] {
  const repeats = requests.map((request) => decide(database, request))
  const done = repeats.filter((repeat) => repeat !== null)
  if (done.length === requests.length) return done
  if (done.length > 0) {
    const repeated = requests[repeats.findIndex((repeat) => repeat !== null)]!
    throw new DuplicateEventIdError(
      repeated.streamId,
      repeated.events.map((event) => event.id),
    )
  }
  const results = requests.map((request) => write(database, request))
  for (const watcher of database.watchers) watcher()
  return results
}

/** The first result where this is a repeat, null where it may be written; throws where it may not. */
function decide(
  database: MemoryDatabase,
  { streamId, events, expected }: AppendRequest,
): AppendResult | null {
  const stream = database.streams.get(streamId)
  const version = stream?.events.length ?? 0
  const first = stream?.versions.get(events[0]!.id)
  if (stream && first !== undefined && (typeof expected !== 'number' || first === expected + 1)) {
    const last = stream.events[first + events.length - 2]
    if (last && events.every((event, i) => stream.events[first + i - 1]?.id === event.id)) {
      return { version: last.version, position: last.position }
    }
  }
  if (
    typeof expected === 'number' ? expected !== version : expected === 'exists' && version === 0
  ) {
    throw new WrongExpectedVersionError(streamId, expected, version)
  }
  const known = events.map((event) => event.id).filter((id) => stream?.versions.has(id))
  if (known.length > 0) throw new DuplicateEventIdError(streamId, known)
  return null
}

function write(database: MemoryDatabase, { streamId, events }: AppendRequest): AppendResult {
  const stream: MemoryStream = database.streams.get(streamId) ?? { events: [], versions: new Map() }
  database.streams.set(streamId, stream)
  const recordedAt = new Date()
  for (const { id, type, data, metadata } of events) {
    const version = stream.events.length + 1
    const position = positionAt(database.events.length + 1)
    const stored = { id, streamId, version, position, type, data, metadata, recordedAt }
    stream.events.push(stored)
    stream.versions.set(id, version)
    database.events.push(stored)
  }
  const { version, position } = stream.events.at(-1)!
  return { version, position }
}

async function* readStream(
  database: MemoryDatabase,
  { streamId, direction, fromVersion, limit }: StreamQuery,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const events = database.streams.get(streamId)?.events ?? []
  const forwards = direction === 'forwards'
  let next = fromVersion ?? events.length
  if (!forwards) next = Math.min(next, events.length)
  let left = limit
  while (left > 0 && next >= 1 && next <= events.length) {
    const count = Math.min(left, batchEvents)
    const batch = forwards
      ? events.slice(next - 1, next - 1 + count)
      : events.slice(Math.max(0, next - count), next).reverse()
    next += forwards ? batch.length : -batch.length
    left -= batch.length
    yield batch.map(isolated)
  }
}

async function* readAll(
  database: MemoryDatabase,
  { direction, after, limit, filter }: AllQuery,
): AsyncGenerator<AllBatch, void, undefined> {
  const { events } = database
  const forwards = direction === 'forwards'
  // How many events lie before the place that has been looked at.
  let place = after === null ? (forwards ? 0 : events.length + 1) : countAt(after)
  let left = limit
  for (;;) {
    const selected: StoredEvent[] = []
    let looked = 0
    while (looked < batchEvents && selected.length < left) {
      const next = forwards ? events[place] : events[place - 2]
      if (!next) break
      place += forwards ? 1 : -1
      looked++
      if (matchesFilter(filter, next)) selected.push(isolated(next))
    }
    left -= selected.length
    const atHead = forwards ? place >= events.length : place <= 1
    yield { events: selected, scannedTo: positionAt(place), atHead }
    if (atHead || left === 0) return
  }
}

/** What a reader does to an event changes nothing in the store. */
function isolated(event: StoredEvent): StoredEvent {
  return {
    ...event,
    data: copied(event.data),
    recordedAt: new Date(event.recordedAt),
  }
}

function copied<P extends string | Uint8Array>(payload: P): P {
  return (typeof payload === 'string' ? payload : payload.slice()) as P
}
