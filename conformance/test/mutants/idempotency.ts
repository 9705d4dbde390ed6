import { randomUUID } from 'node:crypto'
import { type AppendRequest, WrongExpectedVersionError } from '@annals/core'
import { ConnectionLost } from '../../src/memory-connection.js'
import {
  appending,
  appendingWith,
  clientSide,
  type Defects,
  driving,
  knowsAll,
  streamOf,
} from './defect.js'

export const idempotencyDefects: Defects = {
  'repeat-is-a-conflict': appending(async (request, next, world) => {
    const version = streamOf(world, request.streamId).length
    if (typeof request.expected === 'number' && request.expected !== version)
      throw new WrongExpectedVersionError(request.streamId, request.expected, version)
    return next(request)
  }),

  'remembers-a-hundred-ids': appending(async (request, next, world) => {
    const stream = streamOf(world, request.streamId)
    const recent = new Set(stream.slice(-100).map((event) => event.id))
    const { expected, streamId } = request
    if (typeof expected === 'number' && expected !== stream.length)
      if (!request.events.every((event) => recent.has(event.id)))
        throw new WrongExpectedVersionError(streamId, expected, stream.length)
    return next(request)
  }),

  'repeat-returns-the-head': appending(async (request, next, world) => {
    const known = knowsAll(world, request)
    const result = await next(request)
    const last = streamOf(world, request.streamId).at(-1)
    return known && last ? { version: last.version, position: last.position } : result
  }),

  'any-is-written-again': appending((request, next, world) =>
    next(
      typeof request.expected !== 'number' && knowsAll(world, request)
        ? withNewIds(request)
        : request,
    ),
  ),

  'forgets-any-of-others': appendingWith(
    () => new Set<string>(),
    async (request, next, mine, world) => {
      const loose = typeof request.expected !== 'number'
      const foreign = loose && knowsAll(world, request) && !mine.has(request.events[0]?.id ?? '')
      for (const event of request.events) mine.add(event.id)
      return next(foreign ? withNewIds(request) : request)
    },
  ),

  'ids-win-over-the-number': appending((request, next, world) =>
    next(knowsAll(world, request) ? { ...request, expected: 'any' } : request),
  ),

  'writes-the-new-of-a-mixture': appending((request, next, world) => {
    const ids = new Set(streamOf(world, request.streamId).map((event) => event.id))
    const fresh = request.events.filter((event) => !ids.has(event.id))
    const mixed = fresh.length > 0 && fresh.length < request.events.length
    return next(mixed ? { ...request, events: fresh } : request)
  }),

  'ids-of-all-streams': driving((inner, { database }) => ({
    async append(request, signal) {
      const taken = database.events.find(
        (e) => e.streamId !== request.streamId && request.events.some((r) => r.id === e.id),
      )
      if (!taken) return inner.append(request, signal)
      return { version: taken.version, position: taken.position }
    },
  })),

  'retries-under-new-ids': clientSide((inner) => ({
    async append(request, signal) {
      try {
        return await inner.append(request, signal)
      } catch (error) {
        const loose = typeof request.expected !== 'number'
        if (loose && error instanceof ConnectionLost && error.mayHaveArrived && !error.final)
          return inner.append(withNewIds(request), signal)
        throw error
      }
    },
  })),

  'repeats-as-if-nothing-was-sent': clientSide((inner) => {
    const attempts = new WeakMap<AppendRequest, AbortSignal>()
    return {
      append(request, signal) {
        const unanswered = attempts.get(request)?.aborted === true
        attempts.set(request, signal)
        return inner.append(unanswered ? withNewIds(request) : request, signal)
      },
    }
  }),

  'own-lost-append-is-a-conflict': clientSide((inner) => ({
    async append(request, signal) {
      try {
        return await inner.append(request, signal)
      } catch (error) {
        if (!(error instanceof ConnectionLost) || error.final) throw error
        const version = await inner.streamVersion(request.streamId, signal)
        if (typeof request.expected === 'number' && version !== request.expected)
          throw new WrongExpectedVersionError(request.streamId, request.expected, version)
        throw error
      }
    },
  })),
}

function withNewIds(request: AppendRequest): AppendRequest {
  return { ...request, events: request.events.map((event) => ({ ...event, id: randomUUID() })) }
}
