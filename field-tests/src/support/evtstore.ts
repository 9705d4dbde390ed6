import { createRequire } from 'node:module'
import type { Pool } from 'pg'

// evtstore carries its TypeScript sources beside its JavaScript; imported by name, the compiler would check them with
// our options. So it is required, and what is used of it is written down here, as its documentation has it.
export interface StoreEvent {
  readonly stream: string
  readonly position: unknown
  readonly version: number
  readonly timestamp: Date
  readonly event: { readonly type: string; readonly [key: string]: unknown }
  readonly aggregateId: string
}

export interface Provider {
  createEvents(
    stream: string,
    aggregateId: string,
    version: number,
    events: readonly { readonly type: string }[],
  ): StoreEvent[]
  append(
    stream: string,
    aggregateId: string,
    version: number,
    events: readonly StoreEvent[],
  ): Promise<readonly StoreEvent[]>
  getEventsFor(stream: string, aggregateId: string): Promise<StoreEvent[]>
  getEventsFrom(stream: string, position: unknown, limit?: number): Promise<StoreEvent[]>
  getLastEventFor(stream: string, aggregateId?: string): Promise<StoreEvent | undefined>
  getPosition(bookmark: string): Promise<unknown>
  setPosition(bookmark: string, position: unknown): Promise<void>
}

export interface PgOptions {
  readonly client: Pool
  readonly events: string
  readonly bookmarks: string
}

export interface Handler {
  handle(
    stream: string,
    type: string,
    handler: (id: string, event: Record<string, unknown>) => Promise<void>,
  ): void
  runOnce(): Promise<number>
}

type Command = (id: string, body: object) => Promise<{ readonly version: number }>

interface Evtstore {
  createAggregate(options: {
    stream: string
    create: () => object
    fold: (event: Record<string, unknown>, previous: Record<string, unknown>) => object
    version?: string
    persistAggregate?: boolean
  }): unknown
  createDomain(
    options: { provider: Provider; useCache?: boolean },
    aggregates: Record<string, unknown>,
  ): {
    domain: Record<string, { getAggregate(id: string): Promise<Record<string, unknown>> }>
    createHandler(bookmark: string, streams: string[], options?: { tailStream?: boolean }): Handler
  }
  createCommands(
    aggregate: unknown,
    handlers: Record<
      string,
      (
        command: Record<string, unknown>,
        aggregate: Record<string, unknown>,
      ) => Promise<object | undefined>
    >,
  ): Record<string, Command>
  VersionError: new (message?: string) => Error
}

const require = createRequire(import.meta.url)

export const { createAggregate, createDomain, createCommands, VersionError } =
  require('evtstore') as Evtstore

export const { createProvider: createMemoryProvider } = require('evtstore/provider/memory') as {
  createProvider(): Provider
}

export const { createProvider: createPgProvider, migrate } = require('evtstore/provider/pg') as {
  createProvider(options: PgOptions & { limit: number }): Provider
  migrate(options: PgOptions): Promise<void>
}

export const tables = { events: 'events', bookmarks: 'bookmarks' } as const

/** What its documentation sets in each example. */
export const limit = 1000

/** Seats that can be taken once, as its documentation writes aggregates and commands. */
export function seats(provider: Provider) {
  const seat = createAggregate({
    stream: 'seats',
    create: () => ({ takenBy: null }),
    fold: (event) => ({ takenBy: event.by }),
  })
  const { domain, createHandler } = createDomain({ provider }, { seat })
  const commands = createCommands(domain.seat, {
    async take(command, aggregate) {
      if (aggregate.takenBy !== null) throw new Error(`taken by ${aggregate.takenBy}`)
      return { type: 'taken', by: command.by }
    },
  })
  const take = (id: string, by: string) => commands.take?.(id, { by }) ?? Promise.reject()
  return { take, createHandler }
}
