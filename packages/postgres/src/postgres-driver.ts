import type {
  AllBatch,
  AllQuery,
  AppendRequest,
  AppendResult,
  Payload,
  Position,
  Release,
  StoreDriver,
  StoredEvent,
  StreamQuery,
  TranslatedError,
} from '@annals/core'
import { Appender } from './append.js'
import { capabilities, limits } from './capabilities.js'
import { deleteCheckpoint, loadCheckpoint, saveCheckpoint } from './checkpoints.js'
import { type Database, GivenUpError } from './database.js'
import { readFrontier } from './frontier.js'
import { Notifications } from './notifications.js'
import { origin, positionPattern } from './positions.js'
import { positionOf, Reader } from './read.js'
import type { FilterIndexes } from './read-all-page.js'
import { inspectSchema, migrate } from './schema.js'
import type { SchemaName } from './schema-name.js'
import { deleteSnapshot, loadSnapshot, saveSnapshot } from './snapshots.js'
import { translateError } from './translate-error.js'

/** The operations of the store, each in its own file; this one only puts them together. */
export class PostgresDriver implements StoreDriver {
  readonly name = 'postgres'
  readonly capabilities = capabilities
  readonly limits = limits
  readonly positionPattern = positionPattern
  readonly origin = origin
  readonly database: Database
  readonly schema: SchemaName
  readonly notifications: Notifications
  readonly #appender: Appender
  readonly #reader: Reader
  #checked: Promise<FilterIndexes> | undefined

  constructor(database: Database, schema: SchemaName, listen: boolean) {
    this.database = database
    this.schema = schema
    this.notifications = new Notifications(database, schema, listen)
    this.#appender = new Appender(database, schema)
    this.#reader = new Reader(database, schema, (signal) => this.checkSchema(signal))
  }

  async append(request: AppendRequest, signal: AbortSignal): Promise<AppendResult> {
    await this.checkSchema(signal)
    const result = await this.#appender.append(request, signal)
    this.notifications.wrote()
    return result
  }

  async appendMany(
    requests: readonly AppendRequest[],
    signal: AbortSignal,
  ): Promise<readonly AppendResult[]> {
    await this.checkSchema(signal)
    const results = await this.#appender.appendMany(requests, signal)
    this.notifications.wrote()
    return results
  }

  readStream(query: StreamQuery): AsyncIterable<readonly StoredEvent[]> {
    return this.#reader.readStream(query)
  }

  readAll(query: AllQuery): AsyncIterable<AllBatch> {
    return this.#reader.readAll(query)
  }

  watch(onNews: () => void, onLost: (error: unknown) => void): Promise<Release> {
    return this.notifications.watch(onNews, onLost)
  }

  async streamVersion(streamId: string, signal: AbortSignal): Promise<number> {
    await this.checkSchema(signal)
    const [row] = await this.database.rows(
      {
        text: `select version from ${this.schema.sql}.streams where stream_id = $1`,
        prepared: true,
      },
      [streamId],
      signal,
    )
    return Number(row?.[0] ?? 0)
  }

  async headPosition(signal: AbortSignal): Promise<Position | null> {
    await this.checkSchema(signal)
    const { head } = await readFrontier(this.database, this.schema, signal)
    return head && positionOf(head)
  }

  async loadCheckpoint(subscriptionId: string, signal: AbortSignal): Promise<Position | null> {
    await this.checkSchema(signal)
    return loadCheckpoint(this.database, this.schema, subscriptionId, signal)
  }

  async saveCheckpoint(
    subscriptionId: string,
    position: Position,
    expected: Position | null | undefined,
    signal: AbortSignal,
  ): Promise<null | { readonly actual: Position | null }> {
    await this.checkSchema(signal)
    return saveCheckpoint(this.database, this.schema, subscriptionId, position, expected, signal)
  }

  async deleteCheckpoint(subscriptionId: string, signal: AbortSignal): Promise<void> {
    await this.checkSchema(signal)
    await deleteCheckpoint(this.database, this.schema, subscriptionId, signal)
  }

  async loadSnapshot(
    streamId: string,
    signal: AbortSignal,
  ): Promise<{ readonly version: number; readonly state: Payload } | null> {
    await this.checkSchema(signal)
    return loadSnapshot(this.database, this.schema, streamId, signal)
  }

  async saveSnapshot(
    streamId: string,
    version: number,
    state: Payload,
    signal: AbortSignal,
  ): Promise<void> {
    await this.checkSchema(signal)
    await saveSnapshot(this.database, this.schema, streamId, version, state, signal)
  }

  async deleteSnapshot(streamId: string, signal: AbortSignal): Promise<void> {
    await this.checkSchema(signal)
    await deleteSnapshot(this.database, this.schema, streamId, signal)
  }

  async migrate(): Promise<void> {
    await migrate(this.database, this.schema)
    this.#checked = undefined
  }

  async close(): Promise<void> {
    await this.notifications.close()
    await this.database.close()
  }

  translateError(error: unknown): TranslatedError {
    return translateError(error, this.schema.name)
  }

  /**
   * Once, before the first use: tables of another version of this library are not touched. It is done for all who wait for
   * it within the call of the first; where that is given up, the others' calls are tried again.
   */
  checkSchema(signal: AbortSignal): Promise<FilterIndexes> {
    this.#checked ??= inspectSchema(this.database, this.schema, signal).catch((error: unknown) => {
      this.#checked = undefined
      throw signal.aborted ? new GivenUpError('check of the schema') : error
    })
    return this.#checked
  }
}
