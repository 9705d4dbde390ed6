import { WrongExpectedVersionError } from '@annals/core'
import { numbered, type Published, stored } from '../published.js'
import {
  called,
  commit,
  load,
  type StoredEvent as NodeEvent,
  nodeEventStore,
} from '../support/node-eventstore.js'

const positions = numbered('nes')

interface Own {
  readonly id: string
  readonly type: string
  readonly data: unknown
  readonly metadata: unknown
}

export async function eventstoreMemory() {
  const store = await nodeEventStore()
  const handle = (): Published => ({
    name: 'eventstore in-memory',
    capabilities: { persistence: 'process' },
    offersAny: false,
    ...positions,
    async append(streamId, expected, events) {
      const loaded = await load(store, streamId)
      const actual = loaded.lastRevision + 1
      // An expectation is the application's to check, on the stream that it loaded and will commit.
      if (expected === 'exists' ? actual === 0 : expected !== 'any' && expected !== actual)
        throw new WrongExpectedVersionError(streamId, expected, actual)
      const own = events.map(({ id, type, data, metadata }): Own => ({ id, type, data, metadata }))
      await commit(loaded, own)
      const last = loaded.events.at(-1)
      return {
        version: (last?.streamRevision ?? -1) + 1,
        position: positions.at(last?.position ?? 0),
      }
    },
    async readStream(streamId, version, limit) {
      const from = version - 1
      const to = Number.isFinite(limit) ? from + limit : -1
      const stream = await called<{ readonly events: readonly NodeEvent[] }>((done) =>
        store.getEventStream(streamId, from, to, done),
      )
      return stream.events.map(asStored)
    },
    // As its documentation pages: by how many events to skip.
    async readAll(after) {
      const limit = 100
      const skip = Number(positions.of(after))
      const page = await called<readonly NodeEvent[]>((done) => store.getEvents(skip, limit, done))
      return {
        events: page.map(asStored),
        next: positions.at(skip + page.length),
        atHead: page.length < limit,
      }
    },
    streamVersion: async (streamId) => (await load(store, streamId)).lastRevision + 1,
    async head() {
      const all = await called<readonly NodeEvent[]>((done) => store.getEvents(0, -1, done))
      return all.length === 0 ? null : positions.at(all.length)
    },
    close: async () => {},
  })
  return { handle }
}

function asStored(event: NodeEvent) {
  const { id, type, data, metadata } = event.payload as Own
  return stored({
    id,
    type,
    data,
    metadata,
    streamId: event.streamId,
    version: event.streamRevision + 1,
    position: positions.at(event.position ?? 0),
    recordedAt: event.commitStamp,
  })
}
