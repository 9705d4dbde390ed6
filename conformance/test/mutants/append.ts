import { type AppendRequest, WrongExpectedVersionError } from '@annals/core'
import {
  appending,
  calling,
  type Defects,
  driving,
  mapped,
  shared,
  streamOf,
  turns,
} from './defect.js'

const rejectedIds = shared(() => new Set<string>())
const forgottenStreams = shared(() => new Set<string>())
const skipped = shared(() => ({
  streams: new Map<string, number>(),
  events: new Map<string, number>(),
}))

export const appendDefects: Defects = {
  'forgets-last-on-close': driving((inner, { database }) => {
    let last: string | undefined
    return {
      async append(request, signal) {
        const result = await inner.append(request, signal)
        last = request.streamId
        return result
      },
      async close() {
        const lost = last === undefined ? undefined : database.streams.get(last)?.events.pop()
        if (!lost) return
        database.streams.get(lost.streamId)?.versions.delete(lost.id)
        database.events.splice(database.events.indexOf(lost), 1)
      },
    }
  }),

  'one-by-one': appending(async (request, next) => {
    let result = { version: 0, position: '' }
    for (const [i, event] of request.events.entries()) {
      const expected = i === 0 ? request.expected : 'any'
      result = await next({ ...request, events: [event], expected })
      await turns(1)
    }
    return result
  }),

  'reads-on-the-writing-connection': driving((inner) => {
    let open: AppendRequest | undefined
    return {
      async append(request, signal) {
        open = request
        try {
          return await inner.append(request, signal)
        } finally {
          open = undefined
        }
      },
      async *readStream(query) {
        const uncommitted = open
        let version = 0
        for await (const batch of inner.readStream(query)) {
          version = batch.at(-1)?.version ?? version
          yield batch
        }
        if (uncommitted?.streamId !== query.streamId || query.direction === 'backwards') return
        yield uncommitted.events.map((event, i) => ({
          ...event,
          streamId: query.streamId,
          version: version + i + 1,
          position: '',
          recordedAt: new Date(),
        }))
      },
    }
  }),

  'writes-then-checks': appending(async (request, next) => {
    try {
      return await next(request)
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) await next({ ...request, expected: 'any' })
      throw error
    }
  }),

  'keeps-rejected-ids': appending(async (request, next, world) => {
    const ids = rejectedIds(world)
    const known = request.events.some((event) => ids.has(`${request.streamId} ${event.id}`))
    if (known) throw new WrongExpectedVersionError(request.streamId, request.expected, 0)
    try {
      return await next(request)
    } catch (error) {
      for (const event of request.events) ids.add(`${request.streamId} ${event.id}`)
      throw error
    }
  }),

  'refusal-writes-back-what-it-saw': driving((inner, world) => {
    const forgotten = forgottenStreams(world)
    const versionOf = (streamId: string) => streamOf(world, streamId).length
    return {
      async append(request, signal) {
        const { streamId, expected } = request
        if (forgotten.has(streamId) && typeof expected === 'number' && expected > 0)
          throw new WrongExpectedVersionError(streamId, expected, 0)
        const seen = versionOf(streamId)
        try {
          return await inner.append(request, signal)
        } catch (error) {
          await turns(2)
          if (seen === 0 && versionOf(streamId) > 0) forgotten.add(streamId)
          throw error
        }
      },
      streamVersion: async (streamId, signal) =>
        forgotten.has(streamId) ? 0 : inner.streamVersion(streamId, signal),
    }
  }),

  'conflict-burns-version': driving((inner, world) => {
    const state = skipped(world)
    const shift = (id: string) => state.events.get(id) ?? 0
    return {
      async append(request, signal) {
        const offset = state.streams.get(request.streamId) ?? 0
        try {
          const result = await inner.append(request, signal)
          for (const { id } of request.events)
            if (!state.events.has(id)) state.events.set(id, offset)
          return { ...result, version: result.version + shift(request.events[0]?.id ?? '') }
        } catch (error) {
          state.streams.set(request.streamId, offset + 1)
          throw error
        }
      },
      readStream: (query) =>
        mapped(inner.readStream(query), (batch) =>
          batch.map((e) => ({ ...e, version: e.version + shift(e.id) })),
        ),
    }
  }),

  'result-of-first-event': appending(async (request, next, world) => {
    const { version } = await next(request)
    const first = streamOf(world, request.streamId)[version - request.events.length]
    return { version: first?.version ?? 0, position: first?.position ?? '' }
  }),

  'position-of-whoever-was-last': driving((inner) => ({
    async append(request, signal) {
      const result = await inner.append(request, signal)
      await turns(1)
      return { ...result, position: (await inner.headPosition(signal)) ?? result.position }
    },
  })),

  'invents-result-for-nothing': calling((inner) => ({
    async append(streamId, events, options) {
      if (events.length > 0) return inner.append(streamId, events, options)
      const position = (await inner.headPosition()) ?? ''
      return { version: await inner.streamVersion(streamId), position }
    },
  })),

  'asks-before-it-validates': calling((inner) => ({
    async append(streamId, events, options) {
      await inner.headPosition()
      return inner.append(streamId, events, options)
    },
  })),
}
