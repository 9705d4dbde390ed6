import { WrongExpectedVersionError } from '@annals/core'
import pg from 'pg'
import type { PostgresStore } from '../postgres-harness.js'
import { numbered, type Published, stored } from '../published.js'
import {
  createAggregate,
  createCommands,
  createDomain,
  createMemoryProvider,
  createPgProvider,
  migrate,
  type Provider,
  limit as pageSize,
  type StoreEvent,
  tables,
  VersionError,
} from '../support/evtstore.js'

const positions = numbered('evt')
// evtstore's streams are kinds of aggregates; here there is one kind.
const stream = 'all'

interface Own {
  readonly id: string
  readonly data: unknown
  readonly metadata: unknown
}

/** Through its commands, which its documentation names as the way to append. */
function published(
  name: string,
  provider: Provider,
  persistence: 'durable' | 'process',
  close: () => Promise<void>,
): Published {
  const aggregate = createAggregate({ stream, create: () => ({}), fold: () => ({}) })
  const { domain } = createDomain({ provider }, { aggregate })
  const commands = createCommands(domain.aggregate, {
    async append({ decide }, current) {
      return (decide as (version: number) => object)(Number(current.version))
    },
  })
  const version = async (id: string) => Number((await domain.aggregate?.getAggregate(id))?.version)

  return {
    name,
    capabilities: { persistence },
    offersAny: false,
    ...positions,
    async append(streamId, expected, events) {
      // A command sees the aggregate and decides; what is expected of it is the application's to check.
      const decide = (actual: number) => {
        if (expected === 'exists' ? actual === 0 : expected !== 'any' && expected !== actual)
          throw new WrongExpectedVersionError(streamId, expected, actual)
        return events.map(({ id, type, data, metadata }) => ({
          type,
          own: { id, data, metadata } satisfies Own,
        }))
      }
      try {
        await commands.append?.(streamId, { decide })
      } catch (error) {
        if (!(error instanceof VersionError)) throw error
        throw new WrongExpectedVersionError(streamId, expected, await version(streamId), {
          cause: error,
        })
      }
      const last = events.at(-1)?.id
      const written = (await provider.getEventsFor(stream, streamId)).find(
        (event) => (event.event.own as Own).id === last,
      )
      return {
        version: written?.version ?? 0,
        position: positions.at(String(written?.position ?? 0)),
      }
    },
    async readStream(streamId, from, limit) {
      const events = (await provider.getEventsFor(stream, streamId)).map(asStored)
      // It reads an aggregate whole; a part of it is the application's to take.
      return events.filter((event) => event.version >= from).slice(0, limit)
    },
    // As its event handlers read.
    async readAll(after) {
      const events = (
        await provider.getEventsFrom(stream, Number(positions.of(after)), pageSize)
      ).map(asStored)
      return {
        events,
        next: events.at(-1)?.position ?? after,
        atHead: events.length < pageSize,
      }
    },
    streamVersion: version,
    // As its event handlers find their start with `tailStream`.
    async head() {
      const last = await provider.getLastEventFor(stream)
      return last ? positions.at(String(last.position)) : null
    },
    close,
  }
}

function asStored({ event, aggregateId, version, position, timestamp }: StoreEvent) {
  const { id, data, metadata } = event.own as Own
  return stored({
    id,
    data,
    metadata,
    type: event.type,
    streamId: aggregateId,
    version,
    position: positions.at(String(position)),
    recordedAt: new Date(timestamp),
  })
}

export async function evtstoreMemory() {
  const provider = createMemoryProvider()
  return { handle: () => published('evtstore in-memory', provider, 'process', async () => {}) }
}

export const evtstorePg: PostgresStore = {
  name: 'evtstore PostgreSQL (pg)',
  commits: true,
  async prepare(connectionString) {
    const client = new pg.Pool({ connectionString })
    await migrate({ client, ...tables })
    await client.end()
  },
  async open(connectionString) {
    const client = new pg.Pool({ connectionString })
    // Without this a cut connection ends the process (see findings/evtstore-pg-ERR-1.ts).
    client.on('connect', (connection) => connection.on('error', () => {}))
    client.on('error', () => {})
    const provider = createPgProvider({ client, ...tables, limit: pageSize })
    return published('evtstore PostgreSQL', provider, 'durable', () => client.end())
  },
}
