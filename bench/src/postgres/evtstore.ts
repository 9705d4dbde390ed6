import { createRequire } from 'node:module'
import type { Pool } from 'pg'
import { Conflict, type Contestant, type ContestantKind } from './contestant.js'
import { installedVersion } from './installed-version.js'

// evtstore carries its TypeScript sources beside its JavaScript; imported by name, the compiler would check them with
// our options. So it is required, and what is used of it is written down here.
interface StoredEvent {
  readonly event: Readonly<Record<string, unknown>>
  readonly version: number
  readonly position: unknown
}
interface Provider {
  createEvents(
    stream: string,
    aggregateId: string,
    version: number,
    events: readonly object[],
  ): StoredEvent[]
  append(
    stream: string,
    aggregateId: string,
    version: number,
    events: StoredEvent[],
  ): Promise<unknown>
  getEventsFor(stream: string, aggregateId: string): Promise<StoredEvent[]>
  getEventsFrom(stream: string, position: unknown, limit: number): Promise<StoredEvent[]>
  getLastEventFor(stream: string, aggregateId: string): Promise<StoredEvent | undefined>
}
interface Handler {
  handle(type: string, handler: (id: string, event: Record<string, unknown>) => Promise<void>): void
  start(): void
  stop(): void
}
interface Evtstore {
  createProvider(options: {
    client: Pool
    events: string
    bookmarks: string
    limit: number
  }): Provider
  migrate(options: { client: Pool; events: string; bookmarks: string }): Promise<void>
  VersionError: new (...args: never[]) => Error
  EventHandler: new (options: {
    stream: string
    bookmark: string
    provider: Provider
    tailStream: boolean
  }) => Handler
}

const require = createRequire(import.meta.url)
const { createProvider, migrate, VersionError, EventHandler } = {
  ...(require('evtstore/provider/pg') as Pick<Evtstore, 'createProvider' | 'migrate'>),
  ...(require('evtstore/provider/error') as Pick<Evtstore, 'VersionError'>),
  ...(require('evtstore/src/event-handler') as Pick<Evtstore, 'EventHandler'>),
}

const names = { events: 'events', bookmarks: 'bookmarks' }
const stream = 'orders'
// What its documentation sets in each example.
const limit = 1000

export const evtstore: ContestantKind = {
  name: 'evtstore',
  setting: `evtstore ${installedVersion('evtstore')}, its provider for a pg pool with limit ${limit}, used directly (without the read of the aggregate that its commands make before each append); no metadata of its own, so it is part of the event; subscription by its event handler`,
  open: async (_url, newPool) => {
    const pool = newPool()
    await migrate({ client: pool, ...names })
    return contestant(pool, createProvider({ client: pool, ...names, limit }))
  },
}

function contestant(pool: Pool, provider: Provider): Contestant {
  const version = async (streamId: string) =>
    (await provider.getLastEventFor(stream, streamId))?.version ?? 0
  let handlers = 0
  return {
    name: 'evtstore',
    append: async (streamId, expected, facts) => {
      const from = (expected === 'any' ? await version(streamId) : expected) + 1
      const flat = facts.map(({ type, data, metadata }) => ({ type, ...data, metadata }))
      try {
        await provider.append(
          stream,
          streamId,
          from,
          provider.createEvents(stream, streamId, from, flat),
        )
      } catch (error) {
        throw error instanceof VersionError ? new Conflict(error) : error
      }
    },
    version,
    readStream: async (streamId) => (await provider.getEventsFor(stream, streamId)).length,
    readAll: async () => {
      let read = 0
      let position: unknown = 0
      for (;;) {
        const page = await provider.getEventsFrom(stream, position, limit)
        read += page.length
        if (page.length < limit) return read
        position = page.at(-1)?.position
      }
    },
    subscribe: async (onEvent) => {
      const handler = new EventHandler({
        stream,
        bookmark: `subscriber-${++handlers}`,
        provider,
        tailStream: false, // its true tails again while it has no bookmark, and so misses the first events
      })
      handler.handle('OrderPlaced', (_id, event) => {
        onEvent(event)
        return Promise.resolve()
      })
      handler.start()
      return {
        stop: () => {
          handler.stop()
          return Promise.resolve()
        },
      }
    },
    settle: () => pool.query('vacuum (analyze)'),
    close: () => pool.end(),
  }
}
