import { WrongExpectedVersionError } from '@annals/core'
import {
  type Event,
  getInMemoryEventStore,
  isExpectedVersionConflictError,
  NO_CONCURRENCY_CHECK,
  STREAM_DOES_NOT_EXIST,
  STREAM_EXISTS,
} from '@event-driven-io/emmett'
import { numbered, type Published, stored } from '../published.js'

const positions = numbered('emt')

interface Recorded {
  readonly type: string
  readonly data: unknown
  readonly metadata: {
    readonly messageId: string
    readonly streamPosition: bigint
    readonly globalPosition: bigint
    readonly own: { readonly id: string; readonly metadata: unknown }
  }
}

export async function emmettMemory() {
  const store = getInMemoryEventStore()
  // It has no list of its streams; the names are kept here, so that the suite can look at all events.
  const streams = new Set<string>()

  const events = async (streamId: string) => {
    const read = await store.readStream(streamId)
    return (read.events as unknown as Recorded[]).map((event) => asStored(streamId, event))
  }

  const handle = (): Published => ({
    name: 'Emmett in-memory',
    capabilities: { persistence: 'process' },
    offersAny: true,
    ...positions,
    async append(streamId, expected, drafts) {
      try {
        const result = await store.appendToStream(
          streamId,
          drafts.map(({ id, type, data, metadata }) => {
            return { type, data, metadata: { own: { id, metadata } } } as unknown as Event
          }),
          {
            expectedStreamVersion:
              expected === 'any'
                ? NO_CONCURRENCY_CHECK
                : expected === 'exists'
                  ? STREAM_EXISTS
                  : expected === 0
                    ? STREAM_DOES_NOT_EXIST
                    : BigInt(expected),
          },
        )
        streams.add(streamId)
        const version = Number(result.nextExpectedStreamVersion)
        const written = (await events(streamId)).find((event) => event.version === version)
        return { version, position: written?.position ?? positions.origin }
      } catch (error) {
        if (!isExpectedVersionConflictError(error)) throw error
        throw new WrongExpectedVersionError(streamId, expected, Number(error.current), {
          cause: error,
        })
      }
    },
    async readStream(streamId, from, limit) {
      // Its `from` is how many events to skip (see findings/emmett-memory-READ-1.ts). Taken so, the rest can be examined.
      const read = await store.readStream(streamId, {
        from: BigInt(from - 1),
        ...(Number.isFinite(limit) && { maxCount: BigInt(limit) }),
      })
      return (read.events as unknown as Recorded[]).map((event) => asStored(streamId, event))
    },
    async readAll(after) {
      const all = (await Promise.all([...streams].map(events)))
        .flat()
        .filter((event) => event.position > after)
        .sort((a, b) => (a.position < b.position ? -1 : 1))
      return { events: all, next: all.at(-1)?.position ?? after, atHead: true }
    },
    streamVersion: async (streamId) =>
      Number((await store.readStream(streamId)).currentStreamVersion),
    async head() {
      const all = (await Promise.all([...streams].map(events))).flat().map((e) => e.position)
      return all.sort().at(-1) ?? null
    },
    close: async () => {},
  })
  return { handle }
}

function asStored(streamId: string, { type, data, metadata }: Recorded) {
  return stored({
    id: metadata.own.id,
    streamId,
    version: Number(metadata.streamPosition),
    position: positions.at(metadata.globalPosition),
    type,
    data,
    metadata: metadata.own.metadata,
  })
}
