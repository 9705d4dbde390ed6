import { type AppendRequest, WrongExpectedVersionError } from '@annals/core'
import { dumbo } from '@event-driven-io/dumbo'
import {
  EmmettError,
  type Event,
  NO_CONCURRENCY_CHECK,
  STREAM_DOES_NOT_EXIST,
  STREAM_EXISTS,
} from '@event-driven-io/emmett'
import {
  DefaultPostgreSQLEventStoreProcessorBatchSize,
  getPostgreSQLEventStore,
  readLastMessageGlobalPosition,
  readMessagesBatch,
} from '@event-driven-io/emmett-postgresql'
import pg from 'pg'
import type { PostgresStore } from '../postgres-harness.js'
import { numbered, type PlainEvent, type Published, stored } from '../published.js'

const positions = numbered('emt')

interface Recorded {
  readonly type: string
  readonly data: unknown
  readonly metadata: {
    readonly messageId: string
    readonly streamName: string
    readonly streamPosition: bigint
    readonly globalPosition: bigint
  }
}

/** How 0, "the stream does not exist", is written: Emmett's documentation has both. */
export type ExpectNothing = 'STREAM_DOES_NOT_EXIST' | '0n'

export function emmettPostgresql(expectNothing: ExpectNothing): PostgresStore {
  return {
    name: `Emmett PostgreSQL (an append to a new stream expects ${expectNothing})`,
    commits: true,
    async prepare(url) {
      const store = getPostgreSQLEventStore(url)
      await store.schema.migrate()
      await store.close()
    },
    open: async (url) => open(url, expectNothing),
  }
}

async function open(url: string, expectNothing: ExpectNothing): Promise<Published> {
  const pool = new pg.Pool({ connectionString: url, max: 10 })
  // Without this a cut connection ends the process (see findings/emmett-postgresql-ERR-1.ts).
  pool.on('connect', (connection) => connection.on('error', () => {}))
  pool.on('error', () => {})
  const store = getPostgreSQLEventStore(url, {
    schema: { autoMigration: 'None' },
    connectionOptions: { pool },
  })
  const { execute } = dumbo({ connectionString: url, pool })

  const version = async (streamId: string) =>
    Number((await store.readStream(streamId)).currentStreamVersion)

  return {
    name: 'Emmett PostgreSQL',
    offersAny: true,
    ...positions,
    async append(streamId, expected, events) {
      try {
        const result = await store.appendToStream(streamId, events.map(asMessage), {
          expectedStreamVersion: expectation(expected, expectNothing),
        })
        return {
          version: Number(result.nextExpectedStreamVersion),
          position: positions.at(result.lastEventGlobalPosition),
        }
      } catch (error) {
        // The package carries its own copy of its errors, so that `instanceof` would not know them.
        if (!EmmettError.isInstanceOf(error, EmmettError.Codes.ConcurrencyError)) throw error
        // Its error tells -1 as the version (see findings/emmett-postgresql-EXPECT-4.ts). Asked for here, so that the
        // other rules can be examined.
        throw new WrongExpectedVersionError(streamId, expected, await version(streamId), {
          cause: error,
        })
      }
    },
    async readStream(streamId, from, limit) {
      const { events } = await store.readStream(streamId, {
        from: BigInt(from),
        ...(Number.isFinite(limit) && { maxCount: BigInt(limit) }),
      })
      return (events as unknown as Recorded[]).map(asStored)
    },
    // As its consumers read.
    async readAll(after) {
      const page = await readMessagesBatch(execute, {
        after: positions.of(after),
        batchSize: DefaultPostgreSQLEventStoreProcessorBatchSize,
      })
      return {
        events: (page.messages as unknown as Recorded[]).map(asStored),
        next: positions.at(page.currentGlobalPosition),
        atHead: !page.areMessagesLeft,
      }
    },
    streamVersion: version,
    // As its consumers find their start from END.
    async head() {
      const { currentGlobalPosition } = await readLastMessageGlobalPosition(execute)
      return currentGlobalPosition === null ? null : positions.at(currentGlobalPosition)
    },
    async close() {
      await store.close()
      await pool.end()
    },
  }
}

function expectation(expected: AppendRequest['expected'], expectNothing: ExpectNothing) {
  if (expected === 'any') return NO_CONCURRENCY_CHECK
  if (expected === 'exists') return STREAM_EXISTS
  return expected === 0 && expectNothing !== '0n' ? STREAM_DOES_NOT_EXIST : BigInt(expected)
}

function asMessage({ id, type, data, metadata }: PlainEvent): Event {
  return { type, data, metadata: { messageId: id, own: metadata } } as unknown as Event
}

function asStored({ type, data, metadata }: Recorded) {
  const { messageId, streamName, streamPosition, globalPosition } = metadata
  return stored({
    id: messageId,
    streamId: streamName,
    version: Number(streamPosition),
    position: positions.at(globalPosition),
    type,
    data,
    metadata: (metadata as { own?: unknown }).own,
  })
}
