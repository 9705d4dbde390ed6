import { isEventStoreError, newEventId, TooLargeError, UnavailableError } from '@annals/core'
import { Throttled } from '../../src/memory-connection.js'
import { appending, calling, clientSide, type Defects, driving, shared } from './defect.js'

const closers = shared(() => new Set<() => Promise<void>>())

export const lifeDefects: Defects = {
  'stream-ids-of-200-characters': appending(async (request, next) => {
    if (request.streamId.length > 200)
      throw new TooLargeError('streamId', 'varchar', request.streamId.length, 200)
    return next(request)
  }),

  'items-of-400-kilobytes': appending(async (request, next) => {
    if (request.bytes > 400_000)
      throw new TooLargeError('the append', 'an item', request.bytes, 400_000)
    return next(request)
  }),

  'batches-of-a-hundred': appending(async (request, next) => {
    if (request.events.length > 100)
      throw new TooLargeError('the append', 'a batch', request.events.length, 100)
    return next(request)
  }),

  'throws-plain-errors': calling((inner) => ({
    async append(streamId, events, options) {
      try {
        return await inner.append(streamId, events, options)
      } catch (error) {
        if (isEventStoreError(error, 'TOO_LARGE')) throw new RangeError(error.message)
        throw error
      }
    },
  })),

  'hides-the-cause': calling((inner) => ({
    async streamVersion(streamId, options) {
      try {
        return await inner.streamVersion(streamId, options)
      } catch (error) {
        if (isEventStoreError(error, 'UNAVAILABLE')) throw new UnavailableError(error.message)
        throw error
      }
    },
  })),

  'retries-for-ever-what-is-denied': clientSide((inner) => ({
    translateError: (error) => {
      const translated = inner.translateError(error)
      return translated.error.code === 'ACCESS_DENIED'
        ? { ...translated, retryable: true }
        : translated
    },
  })),

  'never-retries': clientSide((inner) => ({
    translateError: (error) => ({ ...inner.translateError(error), retryable: false }),
  })),

  'lost-answer-is-unavailable': clientSide((inner) => ({
    translateError: (error) => ({ ...inner.translateError(error), outcomeUnknown: false }),
  })),

  'silence-is-unavailable': calling((inner) => ({
    append: (streamId, events, options) =>
      inner.append(streamId, events, options).catch((error: unknown) => {
        if (isUnanswered(error)) throw new UnavailableError('no answer', { cause: error })
        throw error
      }),
  })),

  'waits-for-an-answer-for-ever': calling((inner) => ({
    async append(streamId, events, options) {
      const named = events.map((event) => ({ ...event, id: event.id ?? newEventId() }))
      for (;;) {
        try {
          return await inner.append(streamId, named as unknown as typeof events, options)
        } catch (error) {
          if (!isUnanswered(error)) throw error
        }
      }
    },
  })),

  'throttling-is-final': clientSide((inner) => ({
    translateError: (error) => {
      const translated = inner.translateError(error)
      return error instanceof Throttled ? { ...translated, retryable: false } : translated
    },
  })),

  'throttling-is-in-doubt': clientSide((inner) => ({
    translateError: (error) => {
      const translated = inner.translateError(error)
      return error instanceof Throttled ? { ...translated, outcomeUnknown: true } : translated
    },
  })),

  'escapes-twice': appending((request, next) =>
    next({
      ...request,
      events: request.events.map((event) => ({
        ...event,
        data: typeof event.data === 'string' ? event.data.replaceAll("'", "''") : event.data,
      })),
    }),
  ),

  'folds-stream-ids': driving((inner) => ({
    append: (request, signal) =>
      inner.append({ ...request, streamId: request.streamId.normalize('NFKC') }, signal),
    readStream: (query) =>
      inner.readStream({ ...query, streamId: query.streamId.normalize('NFKC') }),
    streamVersion: (streamId, signal) => inner.streamVersion(streamId.normalize('NFKC'), signal),
  })),

  'connects-at-once': calling((inner) => ({
    subscribeToAll: (options) => {
      inner.headPosition().catch(() => undefined)
      return inner.subscribeToAll(options)
    },
  })),

  'close-does-not-wait': calling((inner) => ({
    async close() {
      void inner.close()
    },
  })),

  'close-twice-throws': calling((inner) => {
    let closed = false
    return {
      async close() {
        if (closed) throw new Error('Called end on pool more than once')
        closed = true
        await inner.close()
      },
    }
  }),

  'closes-what-others-use': calling((inner, world) => {
    const all = closers(world)
    all.add(() => inner.close())
    return {
      async close() {
        await Promise.all([...all].map((close) => close()))
      },
    }
  }),

  'works-after-close': calling((inner) => {
    let kept: readonly [string, number][] = []
    return {
      async streamVersion(streamId, options) {
        try {
          const version = await inner.streamVersion(streamId, options)
          kept = [...kept, [streamId, version]]
          return version
        } catch (error) {
          if (isEventStoreError(error, 'CLOSED')) return new Map(kept).get(streamId) ?? 0
          throw error
        }
      },
    }
  }),

  'off-is-a-plain-error': {
    driver: (inner) => {
      const { appendMany: _, ...rest } = inner
      return { ...rest, capabilities: { ...inner.capabilities, multiStreamAppend: false } }
    },
    ...calling(() => ({
      async appendToStreams() {
        throw new Error('not implemented')
      },
    })),
  },

  'answers-a-capability-with-maybe': driving((inner) => ({
    capabilities: { ...inner.capabilities, idempotentAny: 'sometimes' as 'always' },
  })),
}

/** An append that was given up because nothing came, not because something broke. */
function isUnanswered(error: unknown): boolean {
  return (
    isEventStoreError(error, 'UNKNOWN_OUTCOME') && isEventStoreError(error.cause, 'UNAVAILABLE')
  )
}
