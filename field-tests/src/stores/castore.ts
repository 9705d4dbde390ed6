import { type AppendRequest, type AppendResult, WrongExpectedVersionError } from '@annals/core'
import { type EventDetail, EventStore } from '@castore/core'
import { PostgresEventStorageAdapter } from '@castore/event-storage-adapter-postgres'
import type { PostgresStore } from '../postgres-harness.js'
import { notOffered, type PlainEvent, type Published, stored } from '../published.js'
import { castoreStore, dynamoDbAdapter, memoryAdapter } from '../support/castore.js'

type Store = ReturnType<typeof castoreStore>
type Detail = Awaited<ReturnType<Store['getEvents']>>['events'][number]

/** What an event is to Castore beside its payload; it has no ids of events. */
interface Beside {
  readonly id: string
  readonly type: string
  readonly metadata: unknown
}

// Castore has no order of all events; this one, by time, serves the suite's own looking around.
const tag = 'cas-'

function positionOf({ timestamp, aggregateId, version }: EventDetail) {
  return `${tag}${timestamp} ${version.toString().padStart(12, '0')} ${aggregateId}`
}

/** What Castore's own commands look at before they try again. */
function isConflict(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'EventAlreadyExistsError'
}

function published(name: string, store: Store, persistence: 'durable' | 'process'): Published {
  const version = async (aggregateId: string) =>
    (await store.getEvents(aggregateId)).events.at(-1)?.version ?? 0

  // The version that an expectation means: Castore takes the versions of the events themselves.
  const before = async (streamId: string, expected: AppendRequest['expected']) => {
    if (expected === 'exists') notOffered("an append that expects any version ('exists')")
    return expected === 'any' ? version(streamId) : expected
  }
  const details = (streamId: string, from: number, events: readonly PlainEvent[]) =>
    events.map(({ id, type, data, metadata }, i) => ({
      aggregateId: streamId,
      version: from + i + 1,
      type: 'NOTED' as const,
      payload: { data, beside: { id, type, metadata } satisfies Beside },
    }))

  const push = async (
    appends: readonly {
      readonly streamId: string
      readonly expected: AppendRequest['expected']
      readonly events: readonly PlainEvent[]
    }[],
  ): Promise<AppendResult[]> => {
    const from = await Promise.all(appends.map((a) => before(a.streamId, a.expected)))
    const all = appends.flatMap((a, i) => details(a.streamId, from[i] ?? 0, a.events))
    const [first, second, ...more] = all.map((detail) => store.groupEvent(detail))
    try {
      if (first && second) {
        const { eventGroup } = await EventStore.pushEventGroup(first, second, ...more)
        let end = 0
        return appends.map((a) => {
          end += a.events.length
          return resultOf(eventGroup[end - 1]!.event)
        })
      }
      return [resultOf((await store.pushEvent(all[0]!)).event)]
    } catch (error) {
      if (!isConflict(error)) throw error
      // Castore's error tells which version exists already; the stream's own is asked for, so that the other rules can
      // be examined. A group's error tells no stream: the first that is not at its expectation is taken.
      for (const [i, { streamId, expected }] of appends.entries()) {
        const actual = await version(streamId)
        if (actual !== from[i] || i === appends.length - 1)
          throw new WrongExpectedVersionError(streamId, expected, actual, { cause: error })
      }
      throw error
    }
  }

  const all = async () => {
    const events: Detail[] = []
    let pageToken: string | undefined
    do {
      const page = await store.listAggregateIds(pageToken === undefined ? {} : { pageToken })
      for (const { aggregateId } of page.aggregateIds)
        events.push(...(await store.getEvents(aggregateId)).events)
      pageToken = page.nextPageToken
    } while (pageToken !== undefined)
    return events.map(asStored).sort((a, b) => (a.position < b.position ? -1 : 1))
  }

  return {
    name,
    capabilities: { persistence },
    offersAny: false,
    positionPattern: /^cas-.*$/s,
    origin: tag,
    append: async (streamId, expected, events) =>
      (await push([{ streamId, expected, events }]))[0]!,
    appendMany: push,
    async readStream(streamId, minVersion, limit) {
      const { events } = await store.getEvents(streamId, {
        minVersion,
        ...(Number.isFinite(limit) && { limit }),
      })
      return events.map(asStored)
    },
    async readStreamBackwards(streamId, maxVersion, limit) {
      const { events } = await store.getEvents(streamId, {
        reverse: true,
        ...(maxVersion !== undefined && { maxVersion }),
        ...(Number.isFinite(limit) && { limit }),
      })
      return events.map(asStored)
    },
    async readAll(after) {
      const events = (await all()).filter((event) => event.position > after)
      return { events, next: events.at(-1)?.position ?? after, atHead: true }
    },
    streamVersion: version,
    head: async () => (await all()).at(-1)?.position ?? null,
    close: async () => {},
  }
}

function resultOf(event: EventDetail): AppendResult {
  return { version: event.version, position: positionOf(event) }
}

function asStored(event: Detail) {
  const { data, beside } = event.payload as { data: unknown; beside: Beside }
  return stored({
    id: beside.id,
    type: beside.type,
    metadata: beside.metadata,
    data,
    streamId: event.aggregateId,
    version: event.version,
    position: positionOf(event),
    recordedAt: new Date(event.timestamp),
  })
}

export async function castoreMemory() {
  const store = castoreStore(memoryAdapter())
  return { handle: () => published('Castore in-memory', store, 'process') }
}

export async function castoreDynamoDb() {
  const adapter = await dynamoDbAdapter()
  return {
    handle: () => published('Castore DynamoDB', castoreStore(adapter), 'durable'),
    close: async () => adapter.dynamoDBClient.destroy(),
  }
}

export const castorePostgres: PostgresStore = {
  name: 'Castore PostgreSQL',
  commits: false,
  async prepare(connectionString) {
    await PostgresEventStorageAdapter.createEventTable({
      connectionString,
      aggregateId: { type: 'VARCHAR', length: 255 },
    })
  },
  async open(connectionString) {
    const adapter = new PostgresEventStorageAdapter({ connectionString })
    const store = published('Castore PostgreSQL', castoreStore(adapter), 'durable')
    // It has no way to end its connections. They are ended here, where its own code keeps them.
    const { _sql } = adapter as unknown as { _sql: { end(): Promise<void> } }
    return { ...store, close: () => _sql.end() }
  },
}
