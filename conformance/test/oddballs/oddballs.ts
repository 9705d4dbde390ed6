import { setTimeout as delay } from 'node:timers/promises'
import {
  type AllBatch,
  type AppendRequest,
  type AppendResult,
  coalesce,
  type Outcome,
  type Position,
  type StoreDriver,
  WrongExpectedVersionError,
} from '@annals/core'
import { seeded } from '../../src/fixtures.js'
import type { MemoryHarnessOptions } from '../../src/index.js'
import { calling, mapped, messages, shared, turns } from '../mutants/defect.js'

/** Stores that keep the contract in ways of their own: the suite must pass them. */
export const oddballs: Readonly<Record<string, MemoryHarnessOptions>> = {
  'sparse positions': { driver: (inner) => ({ ...inner, ...spread(inner) }) },

  'versions computed when they are read': {
    driver: (inner, { database }) => {
      const versionAt = (streamId: string, position: Position) =>
        database.events.filter((e) => e.streamId === streamId && e.position <= position).length
      return {
        ...inner,
        async append(request, signal) {
          const { position } = await inner.append(request, signal)
          await turns(2)
          return { position, version: versionAt(request.streamId, position) }
        },
        readAll: (query) =>
          mapped(inner.readAll(query), (batch) => ({
            ...batch,
            events: batch.events.map((e) => ({ ...e, version: versionAt(e.streamId, e.position) })),
          })),
      }
    },
  },

  'a millisecond for each call': { driver: (inner) => slowed(inner, () => delay(1)) },

  'random latency': {
    driver: (inner, world) => {
      const random = seeded(world.handles + 1)
      return slowed(inner, () => turns(Math.floor(random() * 6)))
    },
  },

  'batches of every size': { driver: (inner) => ({ ...inner, ...chunky(inner) }) },

  'tells caughtUp more than once': calling((inner) => ({
    subscribeToAll: (options) => twice(inner.subscribeToAll(options)) as never,
    subscribeToStream: (id, options) => twice(inner.subscribeToStream(id, options)) as never,
  })),

  'a server that pushes': {
    client: (inner) => {
      const { watch: _, ...rest } = inner
      return {
        ...rest,
        async *tailAll(query): AsyncGenerator<AllBatch> {
          let { after } = query
          for (;;) {
            const signal = answering(query.signal)
            for await (const batch of inner.readAll({ ...query, after, signal })) {
              after = batch.scannedTo
              yield batch
            }
            await turns(2)
            query.signal.throwIfAborted()
          }
        },
        async *tailStream(query) {
          let fromVersion = query.fromVersion ?? 1
          for (let first = true; ; first = false) {
            let came = false
            const signal = answering(query.signal)
            for await (const batch of inner.readStream({ ...query, fromVersion, signal })) {
              fromVersion += batch.length
              came = true
              yield batch
            }
            if (first || came) yield []
            await turns(2)
            query.signal.throwIfAborted()
          }
        },
      }
    },
  },

  'writes grouped': {
    driver: (inner) => {
      const signal = new AbortController().signal
      const group = coalesce<AppendRequest, AppendResult>({
        maxItems: 50,
        maxWeight: 1024 * 1024,
        weigh: (request) => request.bytes,
        async run(batch) {
          await turns(1)
          const outcomes: Outcome<AppendResult>[] = []
          for (const request of batch)
            outcomes.push(
              await inner.append(request, signal).then(
                (value) => ({ ok: true, value }),
                (error: unknown) => ({ ok: false, error }),
              ),
            )
          return outcomes
        },
      })
      return { ...inner, append: (request) => group.add(request) }
    },
  },

  'one writer at a time': {
    driver: (inner, world) => {
      const lock = writeLock(world)
      const alone = async <T>(work: () => Promise<T>): Promise<T> => {
        const before = lock.last
        const mine = before.then(work)
        lock.last = mine.then(
          () => undefined,
          () => undefined,
        )
        return mine
      }
      return {
        ...inner,
        append: (request, signal) => alone(() => inner.append(request, signal)),
        appendMany: (requests, signal) =>
          alone(async () => (await inner.appendMany?.(requests, signal)) ?? []),
      }
    },
  },

  'readers wait for writers': {
    driver: (inner, world) => {
      const lock = writeLock(world)
      const writing = async <T>(work: () => Promise<T>): Promise<T> => {
        const mine = work()
        lock.last = Promise.allSettled([lock.last, mine]).then(() => undefined)
        return mine
      }
      return {
        ...inner,
        append: (request, signal) => writing(() => inner.append(request, signal)),
        appendMany: (requests, signal) =>
          writing(async () => (await inner.appendMany?.(requests, signal)) ?? []),
        async *readAll(query) {
          await lock.last
          yield* inner.readAll(query)
        },
        async headPosition(signal) {
          await lock.last
          return inner.headPosition(signal)
        },
      }
    },
  },

  'ids checked only when the expectation fails': {
    driver: (inner, { database }) => {
      const { appendMany: _, ...rest } = inner
      return {
        ...rest,
        capabilities: {
          ...inner.capabilities,
          multiStreamAppend: false,
          idempotentAny: 'bestEffort',
          uniqueEventIds: 'none',
        },
        append: async (request, signal) => {
          const { streamId, events, expected } = request
          const stream = database.streams.get(streamId)?.events ?? []
          const isRun = (start: number) => events.every((e, i) => stream[start + i]?.id === e.id)
          const result = (start: number) => {
            const last = stream[start + events.length - 1]
            return { version: last?.version ?? 0, position: last?.position ?? '' }
          }
          if (typeof expected === 'number' && expected !== stream.length) {
            if (isRun(expected)) return result(expected)
            throw new WrongExpectedVersionError(streamId, expected, stream.length)
          }
          if (typeof expected !== 'number') {
            // What the server still has in its cache of ids.
            for (let start = Math.max(0, stream.length - 20); start < stream.length; start++)
              if (isRun(start)) return result(start)
            if (expected === 'exists' && stream.length === 0)
              throw new WrongExpectedVersionError(streamId, expected, 0)
          }
          const known = database.streams.get(streamId)?.versions
          const forgotten = events.filter((e) => known?.has(e.id)).map((e) => e.id)
          for (const id of forgotten) known?.delete(id)
          return inner.append({ ...request, expected: 'any' }, signal)
        },
        async findAppend({ streamId, events }) {
          const stream = database.streams.get(streamId)?.events ?? []
          const start = stream.findIndex((_, at) =>
            events.every((e, i) => stream[at + i]?.id === e.id),
          )
          const last = stream[start + events.length - 1]
          return start >= 0 && last ? { version: last.version, position: last.position } : null
        },
      }
    },
  },
}

const writeLock = shared(() => ({ last: Promise.resolve() as Promise<unknown> }))

function spread(inner: StoreDriver): Partial<StoreDriver> {
  const format = (place: number) => `far-${place.toString().padStart(16, '0')}`
  const shown = (position: Position) => {
    const place = Number(position.slice('mem1-'.length))
    return format(place === 0 ? 0 : place * 4096 + ((place * 7919) % 4001))
  }
  const told = (position: Position | null) =>
    position === null
      ? null
      : `mem1-${Math.floor(Number(position.slice(4)) / 4096)
          .toString()
          .padStart(16, '0')}`
  const result = (r: AppendResult) => ({ ...r, position: shown(r.position) })
  return {
    positionPattern: /^far-\d{16}$/,
    origin: format(0),
    append: async (request, signal) => result(await inner.append(request, signal)),
    appendMany: async (requests, signal) =>
      ((await inner.appendMany?.(requests, signal)) ?? []).map(result),
    readStream: (query) =>
      mapped(inner.readStream(query), (batch) =>
        batch.map((e) => ({ ...e, position: shown(e.position) })),
      ),
    readAll: (query) =>
      mapped(inner.readAll({ ...query, after: told(query.after) }), (batch) => ({
        ...batch,
        events: batch.events.map((e) => ({ ...e, position: shown(e.position) })),
        scannedTo: shown(batch.scannedTo),
      })),
    async headPosition(signal) {
      const head = await inner.headPosition(signal)
      return head === null ? null : shown(head)
    },
  }
}

function slowed(inner: StoreDriver, pause: () => Promise<unknown>): StoreDriver {
  const slow = <A extends unknown[], T>(method: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      await pause()
      const result = await method(...args)
      await pause()
      return result
    }
  }
  async function* batches<B>(source: AsyncIterable<B>): AsyncGenerator<B> {
    await pause()
    for await (const batch of source) {
      yield batch
      await pause()
    }
  }
  const { appendMany } = inner
  return {
    ...inner,
    append: slow(inner.append),
    ...(appendMany && { appendMany: slow(appendMany) }),
    readStream: (query) => batches(inner.readStream(query)),
    readAll: (query) => batches(inner.readAll(query)),
    streamVersion: slow(inner.streamVersion),
    headPosition: slow(inner.headPosition),
    loadCheckpoint: slow(inner.loadCheckpoint),
    saveCheckpoint: slow(inner.saveCheckpoint),
    loadSnapshot: slow(inner.loadSnapshot),
    saveSnapshot: slow(inner.saveSnapshot),
  }
}

/** Batches of one, two, three … events, with empty ones in between where a driver may give them. */
function chunky(inner: StoreDriver): Partial<StoreDriver> {
  return {
    async *readStream(query) {
      let size = 1
      for await (const batch of inner.readStream(query))
        for (let i = 0; i < batch.length; ) {
          yield batch.slice(i, i + size)
          i += size
          size = (size % 7) + 1
        }
    },
    async *readAll(query) {
      let size = 1
      for await (const batch of inner.readAll(query)) {
        let rest = batch.events
        while (rest.length > size) {
          const events = rest.slice(0, size)
          rest = rest.slice(size)
          size = (size % 7) + 1
          const scannedTo = events.at(-1)?.position ?? batch.scannedTo
          yield { events, scannedTo, atHead: false }
          yield { events: [], scannedTo, atHead: false }
        }
        yield { ...batch, events: rest }
      }
    },
  }
}

function twice<M extends { readonly kind: string }>(source: AsyncIterable<M>): AsyncIterable<M> {
  return {
    [Symbol.asyncIterator]() {
      const inner = messages(source, (message) => message)[Symbol.asyncIterator]()
      let again: M | undefined
      return {
        async next() {
          if (again) {
            const value = again
            again = undefined
            return { done: false, value }
          }
          const next = await inner.next()
          if (!next.done && next.value.kind === 'caughtUp') again = next.value
          return next
        },
        async return() {
          again = undefined
          return (await inner.return?.()) ?? { done: true, value: undefined }
        },
      }
    },
  }
}

/** A server that pushes shows that it is alive; where it does not, the client gives the connection up. */
function answering(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(500)])
}
