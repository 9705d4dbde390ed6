import {
  type AppendRequest,
  isEventStoreError,
  type MemoryDatabase,
  type StoreDriver,
  type StoredEvent,
} from '@annals/core'
import type { RuleId } from '../../src/rules.js'

/** Defects as real adapters have had them, each planted into the driver of the memory store. */
export interface PlantedFault {
  /** One of these is what the checker must name. */
  readonly rules: readonly RuleId[]
  readonly plant: (driver: StoreDriver, database: MemoryDatabase) => StoreDriver
}

const tick = () => new Promise<void>((resolve) => setTimeout(resolve, 2))

/** Every so many calls. */
function every(times: number): () => boolean {
  let count = 0
  return () => ++count % times === 0
}

function knows(database: MemoryDatabase, { streamId, events }: AppendRequest): boolean {
  const stream = database.streams.get(streamId)
  return events.some(({ id }) => stream?.versions.has(id))
}

export const plantedFaults: Readonly<Record<string, PlantedFault>> = {
  'an acknowledged append is lost': {
    rules: ['APPEND-1', 'APPEND-4', 'EXPECT-2', 'READ-2'],
    plant: (driver, database) => {
      const due = every(20)
      return {
        ...driver,
        append: async (request, signal) => {
          const version = database.streams.get(request.streamId)?.events.length ?? 0
          if (request.expected !== 'any' || knows(database, request) || !due()) {
            return driver.append(request, signal)
          }
          const place = database.events.length + request.events.length
          return {
            version: version + request.events.length,
            position: `mem1-${String(place).padStart(16, '0')}`,
          }
        },
      }
    },
  },
  'a repeat is written again (no check of repeats)': {
    rules: ['IDEM-1', 'IDEM-2', 'IDEM-3'],
    plant: (driver, database) => ({
      ...driver,
      append: async (request, signal) => {
        const stream = database.streams.get(request.streamId)
        if (request.expected === 'any')
          for (const { id } of request.events) stream?.versions.delete(id)
        return driver.append(request, signal)
      },
    }),
  },
  'an event appears below where readers have been (no frontier)': {
    rules: ['ALL-4', 'ALL-1', 'ALL-5', 'APPEND-1', 'SUB-1'],
    plant: (driver) => {
      const hidden = new Set<string>()
      const due = every(10)
      return {
        ...driver,
        append: async (request, signal) => {
          const result = await driver.append(request, signal)
          if (due()) {
            hidden.add(result.position)
            setTimeout(() => hidden.delete(result.position), 20)
          }
          return result
        },
        readAll: async function* (query) {
          for await (const batch of driver.readAll(query)) {
            yield { ...batch, events: batch.events.filter(({ position }) => !hidden.has(position)) }
          }
        },
      }
    },
  },
  'the expectation is not checked (no head condition)': {
    rules: ['EXPECT-1', 'EXPECT-2'],
    plant: (driver) => ({
      ...driver,
      append: (request, signal) =>
        driver.append(request, signal).catch((error: unknown) => {
          if (!isEventStoreError(error, 'WRONG_EXPECTED_VERSION')) throw error
          return driver.append({ ...request, expected: 'any' }, signal)
        }),
    }),
  },
  'readers of all get two events in the other order': {
    rules: ['ALL-1', 'SUB-1'],
    plant: (driver) => {
      const due = every(5)
      return {
        ...driver,
        readAll: async function* (query) {
          for await (const batch of driver.readAll(query)) {
            const events = [...batch.events]
            if (events.length > 1 && due()) events.push(...events.splice(-2).reverse())
            yield { ...batch, events }
          }
        },
      }
    },
  },
  'an append becomes visible in two parts': {
    rules: ['APPEND-2'],
    plant: (driver, database) => ({
      ...driver,
      append: async (request, signal) => {
        const { events } = request
        if (events.length < 2 || knows(database, request)) return driver.append(request, signal)
        await driver.append({ ...request, events: events.slice(0, 1) }, signal)
        await tick()
        return driver.append({ ...request, events: events.slice(1), expected: 'any' }, signal)
      },
    }),
  },
  'a failed append leaves its first event behind': {
    rules: ['APPEND-3', 'APPEND-2'],
    plant: (driver) => ({
      ...driver,
      append: (request, signal) =>
        driver.append(request, signal).catch(async (error: unknown) => {
          if (isEventStoreError(error, 'WRONG_EXPECTED_VERSION')) {
            await driver.append(
              { ...request, events: request.events.slice(0, 1), expected: 'any' },
              signal,
            )
          }
          throw error
        }),
    }),
  },
  'a stale owner may save its checkpoint (no fence)': {
    rules: ['CHECK-1'],
    plant: (driver) => ({
      ...driver,
      saveCheckpoint: (id, position, _expected, signal) =>
        driver.saveCheckpoint(id, position, undefined, signal),
    }),
  },
  'a checkpoint goes back': {
    rules: ['CHECK-1'],
    plant: (driver) => {
      const older = new Map<string, string>()
      const due = every(4)
      return {
        ...driver,
        saveCheckpoint: async (id, position, expected, signal) => {
          const before = await driver.loadCheckpoint(id, signal)
          if (before !== null) older.set(id, before)
          return driver.saveCheckpoint(id, position, expected, signal)
        },
        loadCheckpoint: async (id, signal) => {
          const now = await driver.loadCheckpoint(id, signal)
          return due() ? (older.get(id) ?? now) : now
        },
      }
    },
  },
  'an older snapshot replaces a newer one': {
    rules: ['SNAP-1'],
    plant: (driver) => ({
      ...driver,
      saveSnapshot: async (streamId, version, state, signal) => {
        await driver.deleteSnapshot(streamId, signal)
        await driver.saveSnapshot(streamId, version, state, signal)
      },
    }),
  },
  'a reader of a stream does not see the newest events': {
    rules: ['READ-2'],
    plant: (driver) => {
      const due = every(5)
      return {
        ...driver,
        readStream: async function* (query) {
          const stale = due()
          for await (const batch of driver.readStream(query)) {
            const events = stale && query.direction === 'forwards' ? batch.slice(0, -1) : batch
            if (events.length > 0) yield events
          }
        },
      }
    },
  },
  'after is inclusive': {
    rules: ['ALL-8', 'SUB-1', 'SUB-5'],
    plant: (driver, database) => ({
      ...driver,
      readAll: async function* (query) {
        const last = database.events.find(({ position }) => position === query.after)
        let first = query.direction === 'forwards' && query.filter === null ? last : undefined
        for await (const batch of driver.readAll(query)) {
          const events: readonly StoredEvent[] = first ? [first, ...batch.events] : batch.events
          first = undefined
          yield { ...batch, events: events.slice(0, query.limit) }
        }
      },
    }),
  },
  'a filter lets too little through': {
    rules: ['ALL-7', 'SUB-1', 'ALL-4'],
    plant: (driver) => {
      const due = every(7)
      return {
        ...driver,
        readAll: async function* (query) {
          for await (const batch of driver.readAll(query)) {
            const { events } = batch
            yield query.filter && due() ? { ...batch, events: events.slice(1) } : batch
          }
        },
      }
    },
  },
  'an event gets another position after it was acknowledged': {
    rules: ['APPEND-5', 'ALL-1', 'ALL-3'],
    plant: (driver, database) => {
      const due = every(10)
      return {
        ...driver,
        append: async (request, signal) => {
          const result = await driver.append(request, signal)
          const [before, last] = database.events.slice(-2)
          if (!due() || !before || !last || before.streamId === last.streamId) return result
          if (request.events.length > 1) return result
          const swapped = [
            { ...last, position: before.position },
            { ...before, position: last.position },
          ] as const
          database.events.splice(-2, 2, ...swapped)
          for (const event of swapped) {
            database.streams.get(event.streamId)?.events.splice(event.version - 1, 1, event)
          }
          return { ...result, position: before.position }
        },
      }
    },
  },
  'the content of an event changes': {
    rules: ['READ-4'],
    plant: (driver) => {
      const due = every(30)
      return {
        ...driver,
        readStream: async function* (query) {
          for await (const batch of driver.readStream(query)) {
            yield batch.map((event) => (due() ? { ...event, data: '{"n":-1}' } : event))
          }
        },
      }
    },
  },
}
