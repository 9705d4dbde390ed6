import { WrongExpectedVersionError } from '@annals/core'
import { ConnectionLost } from '../../src/memory-connection.js'
import { appending, appendingWith, clientSide, type Defects, streamOf, turns } from './defect.js'

export const expectationDefects: Defects = {
  'at-most-the-number': appending((request, next, world) => {
    const version = streamOf(world, request.streamId).length
    const above = typeof request.expected === 'number' && request.expected > version
    return next(above ? { ...request, expected: version } : request)
  }),

  'trusts-its-own-cache': appendingWith(
    () => new Map<string, number>(),
    async (request, next, versions) => {
      const cached = versions.get(request.streamId)
      const holds = cached !== undefined && cached === request.expected
      const result = await next(holds ? { ...request, expected: 'any' } : request)
      versions.set(request.streamId, result.version)
      return result
    },
  ),

  'checks-then-writes': appending(async (request, next, world) => {
    if (typeof request.expected !== 'number') return next(request)
    const version = streamOf(world, request.streamId).length
    if (version !== request.expected) return next(request)
    await turns(2)
    return next({ ...request, expected: 'any' })
  }),

  'any-is-optimistic': appending(async (request, next, world) => {
    if (request.expected !== 'any') return next(request)
    const version = streamOf(world, request.streamId).length
    await turns(1)
    return next({ ...request, expected: version })
  }),

  'exists-is-any': appending((request, next) =>
    next(request.expected === 'exists' ? { ...request, expected: 'any' } : request),
  ),

  'guesses-the-true-version': appending(async (request, next) => {
    try {
      return await next(request)
    } catch (error) {
      if (!(error instanceof WrongExpectedVersionError)) throw error
      const guess = typeof request.expected === 'number' ? request.expected + 1 : 0
      throw new WrongExpectedVersionError(request.streamId, request.expected, guess)
    }
  }),

  'outage-is-conflict': clientSide((inner) => ({
    async append(request, signal) {
      try {
        return await inner.append(request, signal)
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        throw new WrongExpectedVersionError(request.streamId, request.expected, 0)
      }
    },
  })),
}
