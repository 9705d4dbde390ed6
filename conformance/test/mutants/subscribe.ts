import type {
  AllBatch,
  AllMessage,
  AllQuery,
  EventStore,
  Position,
  StoreDriver,
  SubscribeToAllOptions,
} from '@annals/core'
import { ConnectionLost } from '../../src/memory-connection.js'
import { calling, clientSide, type Defects, messages, turns } from './defect.js'

/** A subscription of a driver's own, as a database with push has: the past by reading, then what is pushed. */
async function* tail(
  inner: StoreDriver,
  query: AllQuery,
  afterThePast: (place: Position) => Promise<Position> = async (place) => place,
): AsyncGenerator<AllBatch> {
  let after = query.after
  let past = true
  for (;;) {
    for await (const batch of inner.readAll({ ...query, after })) {
      after = batch.scannedTo
      yield batch
    }
    if (past && after !== null) after = await afterThePast(after)
    past = false
    await turns(2)
    query.signal.throwIfAborted()
  }
}

export const subscribeDefects: Defects = {
  'loses-at-the-switch': clientSide((inner) => ({
    tailAll: (query) =>
      tail(inner, query, async (place) => {
        await turns(2)
        return (await inner.headPosition(query.signal)) ?? place
      }),
  })),

  'repeats-at-the-switch': clientSide((inner) => ({
    tailAll: (query) =>
      tail(inner, query, async (place) => {
        const before: Position[] = []
        const backwards = { ...query, after: place, direction: 'backwards' as const, limit: 1 }
        for await (const batch of inner.readAll(backwards)) {
          before.push(...batch.events.map((e) => e.position))
          break
        }
        return before[0] ?? place
      }),
  })),

  'caught-up-once': calling((inner) => ({
    subscribeToAll: (options) => {
      let told = false
      return messages(inner.subscribeToAll(options), (message) => {
        if (message.kind !== 'caughtUp') return message
        if (told) return null
        told = true
        return message
      }) as never
    },
  })),

  'caught-up-before-the-past': calling((inner) => ({
    subscribeToAll: (options) => {
      let first = true
      const source = inner.subscribeToAll(options)
      return {
        [Symbol.asyncIterator]() {
          const iterator = source[Symbol.asyncIterator]()
          return {
            async next() {
              if (!first || typeof options?.after === 'string') return iterator.next()
              first = false
              const head = await inner.headPosition()
              if (head === null) return iterator.next()
              return { done: false, value: { kind: 'caughtUp', position: head } }
            },
            async return() {
              await iterator.return?.()
              return { done: true, value: undefined }
            },
          }
        },
      } as never
    },
  })),

  'stands-still-behind-a-filter': calling((inner) => ({
    subscribeToAll: (options) => {
      let last: Position | undefined
      return messages(inner.subscribeToAll(options), (message): AllMessage | null => {
        if (message.kind === 'event') {
          last = message.event.position
          return message
        }
        if (!options?.filter) return message
        last ??= message.position
        return message.kind === 'progress' ? null : { kind: 'caughtUp', position: last }
      }) as never
    },
  })),

  'drops-when-the-consumer-is-slow': calling((inner) => ({
    subscribeToAll: (options) => buffered(inner.subscribeToAll(options), 1000) as never,
  })),

  'reconnects-from-the-start': clientSide((inner) => ({
    tailAll: (query) => reconnecting(inner, query, () => query.after),
  })),

  'reconnects-at-the-head': clientSide((inner) => ({
    tailAll: (query) =>
      reconnecting(inner, query, () => inner.headPosition(new AbortController().signal)),
  })),

  'trusts-in-hints-alone': clientSide(() => ({
    polling: { min: 2 ** 31 - 1, max: 2 ** 31 - 1 },
  })),

  'ends-without-its-error': calling((inner) => {
    const quiet = <M>(source: AsyncIterable<M>): AsyncIterable<M> => ({
      [Symbol.asyncIterator]() {
        const iterator = source[Symbol.asyncIterator]()
        return {
          next: () => iterator.next().catch(() => ({ done: true as const, value: undefined })),
          async return() {
            await iterator.return?.()
            return { done: true, value: undefined }
          },
        }
      },
    })
    return {
      subscribeToAll: (options) => quiet(inner.subscribeToAll(options)) as never,
      subscribeToStream: (id, options) => quiet(inner.subscribeToStream(id, options)) as never,
    }
  }),

  'resumes-with-the-last-event': calling((inner) => ({
    subscribeToAll: (options) => resumedOneBefore(inner, options) as never,
  })),

  'resumes-the-stream-with-the-last-event': calling((inner) => ({
    subscribeToStream: (streamId, options) =>
      inner.subscribeToStream(streamId, {
        ...options,
        ...(typeof options?.afterVersion === 'number' && options.afterVersion > 0
          ? { afterVersion: options.afterVersion - 1 }
          : {}),
      }),
  })),

  'return-waits-for-the-next-message': calling((inner) => ({
    subscribeToAll: (options) => passedOn(inner.subscribeToAll(options)) as never,
  })),

  'goes-on-after-its-end': clientSide((inner) => ({
    async watch(onNews, onLost) {
      const signal = new AbortController().signal
      const ask = () => {
        onNews()
        inner.headPosition(signal).catch(() => undefined)
      }
      await inner.watch?.(ask, onLost)
      return () => undefined
    },
  })),

  'abort-is-an-end': calling((inner) => ({
    subscribeToStream(streamId, options) {
      const source = inner.subscribeToStream(streamId, options)
      return {
        [Symbol.asyncIterator]() {
          const iterator = source[Symbol.asyncIterator]()
          return {
            async next() {
              try {
                return await iterator.next()
              } catch (error) {
                if (options?.signal?.aborted) return { done: true, value: undefined }
                throw error
              }
            },
            async return() {
              await iterator.return?.()
              return { done: true, value: undefined }
            },
          }
        },
      } as never
    },
  })),
}

async function* passedOn<M>(source: AsyncIterable<M>): AsyncGenerator<M> {
  for await (const message of source) yield message
}

async function* reconnecting(
  inner: StoreDriver,
  query: AllQuery,
  goOn: () => Position | null | Promise<Position | null>,
): AsyncGenerator<AllBatch> {
  let after = query.after
  for (;;)
    try {
      for await (const batch of tail(inner, { ...query, after })) yield batch
    } catch (error) {
      if (!(error instanceof ConnectionLost) || error.final) throw error
      for (;;) {
        await turns(5)
        query.signal.throwIfAborted()
        try {
          after = await goOn()
          await inner.headPosition(query.signal)
          break
        } catch {
          // Still away.
        }
      }
    }
}

function buffered<M>(source: AsyncIterable<M>, size: number): AsyncIterable<M> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = source[Symbol.asyncIterator]()
      const buffer: IteratorResult<M>[] = []
      let failure: { error: unknown } | undefined
      let wake: (() => void) | undefined
      let pumping = false
      const pump = async () => {
        try {
          for (;;) {
            const next = await iterator.next()
            buffer.push(next)
            if (buffer.length > size) buffer.shift()
            wake?.()
            if (next.done) return
          }
        } catch (error) {
          failure = { error }
          wake?.()
        }
      }
      return {
        async next() {
          if (!pumping) {
            pumping = true
            void pump()
          }
          for (;;) {
            const first = buffer.shift()
            if (first) return first
            if (failure) throw failure.error
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          }
        },
        async return() {
          await iterator.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
}

/** `after` taken as inclusive: the event at the position comes once more. */
function resumedOneBefore(
  inner: EventStore,
  options: SubscribeToAllOptions = {},
): AsyncIterable<AllMessage> {
  const { after } = options
  if (after === undefined || after === 'start' || after === 'end')
    return inner.subscribeToAll(options)
  return {
    [Symbol.asyncIterator]() {
      let iterator: AsyncIterator<AllMessage> | undefined
      const start = async () => {
        const before = await inner
          .readAll({ after, direction: 'backwards', limit: 1 })
          .toArray()
          .catch(() => [{ position: after }])
        return inner
          .subscribeToAll({ ...options, after: before[0]?.position ?? 'start' })
          [Symbol.asyncIterator]()
      }
      return {
        async next() {
          iterator ??= await start()
          return iterator.next()
        },
        async return() {
          await iterator?.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
}
