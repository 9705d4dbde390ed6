import type { JsonObject } from '@annals/core'
import type { Pool } from 'pg'

/** What every contestant stores, in the shape that it wants: the same bytes for all. */
export interface Fact {
  readonly type: string
  readonly data: JsonObject
  readonly metadata: JsonObject
}

/** Another writer was first. */
export class Conflict extends Error {
  /** The stream's version, where the error tells it. */
  readonly actual: number | undefined

  constructor(cause: unknown, actual?: number) {
    super('Another writer was first', { cause })
    this.name = 'Conflict'
    this.actual = actual
  }
}

export interface Subscription {
  stop(): Promise<void>
}

/** One way of storing events in PostgreSQL, on a database of its own. */
export interface Contestant {
  readonly name: string
  /**
   * Appends, durable when it resolves, to a stream that has `expected` events; `'any'`: whatever it has.
   * Rejects with `Conflict`.
   */
  append(streamId: string, expected: number | 'any', facts: readonly Fact[]): Promise<unknown>
  /** What the stream's version is, by the cheapest documented way, knowing that it is at least `known`. */
  version(streamId: string, known: number): Promise<number>
  /** Reads a stream, payloads parsed, into one array; resolves with its length. */
  readStream(streamId: string): Promise<number>
  /** Reads everything in order, payloads parsed; resolves with the number of events. */
  readAll(): Promise<number>
  /** The same, one event at a time, where there is such a thing. */
  readAllOneByOne?(): Promise<number>
  /** Reads `limit` events of a stream from a version on, where it is measured. */
  readStreamPage?(streamId: string, fromVersion: number, limit: number): Promise<number>
  /** Reads `limit` events of all, from about this share (0 … 1) of them on, where it is measured. */
  readAllPage?(share: number, limit: number): Promise<number>
  /** Gives the data of each event that is appended from now on; undefined where there is no such thing. */
  subscribe?(onEvent: (data: unknown) => void): Promise<Subscription>
  /** `vacuum (analyze)`. */
  settle(): Promise<unknown>
  close(): Promise<void>
}

export interface ContestantKind {
  readonly name: string
  /** For the report: version and how it is used. */
  readonly setting: string
  open(url: string, newPool: (size?: number) => Pool): Promise<Contestant>
}
