import {
  type AllQuery,
  type AppendRequest,
  type AppendResult,
  createEventStore,
  type EventStore,
  type Payload,
  type Position,
  type StoreDriver,
  type StreamQuery,
} from '@annals/core'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { append } from './append.js'
import { Background } from './background.js'
import { capabilities, limits } from './capabilities.js'
import { deleteCheckpoint, loadCheckpoint, saveCheckpoint } from './checkpoints.js'
import { Counter } from './counter.js'
import { Heads } from './heads.js'
import { Locks } from './locks.js'
import { Log } from './log.js'
import { type DynamoDbStoreOptions, isClient, settingsOf } from './options.js'
import { origin, positionPattern } from './positions.js'
import { headPosition, readAll } from './read-all.js'
import { readStream } from './read-stream.js'
import { Requests } from './requests.js'
import { migrate } from './schema.js'
import { deleteSnapshot, loadSnapshot, saveSnapshot } from './snapshots.js'
import { translateError } from './translate-error.js'

/**
 * An event store in one DynamoDB table. Nothing is sent before the first call; `migrate()` makes the table where it is
 * missing. docs/dynamodb.md has the protocol, what each operation costs, and the rights that it needs.
 *
 * Appends and reads are strongly consistent. `capabilities.idempotentAny` is 'always', `uniqueEventIds` 'none': an id is
 * looked for where an append repeats, not in all of the stream.
 */
export function dynamoDbStore(options: DynamoDbStoreOptions): EventStore {
  return createEventStore(new DynamoDbDriver(options), options)
}

class DynamoDbDriver implements StoreDriver {
  readonly name = 'dynamodb'
  readonly capabilities = capabilities
  readonly limits = limits
  readonly positionPattern = positionPattern
  readonly origin = origin
  /** An idle poll is one read request unit. */
  readonly polling = { min: 20, max: 1000 }

  readonly requests: Requests
  readonly counter: Counter
  readonly log: Log
  readonly heads: Heads
  readonly locks = new Locks()
  readonly #background = new Background()
  readonly #ownsClient: boolean

  constructor(options: DynamoDbStoreOptions) {
    const { table, gracePeriodMs, requestTimeoutMs } = settingsOf(options)
    const { client = {} } = options
    this.#ownsClient = !isClient(client)
    this.requests = new Requests(
      isClient(client) ? client : new DynamoDBClient(client),
      table,
      requestTimeoutMs,
    )
    this.counter = new Counter(this.requests, this.#background.signal)
    this.log = new Log(this.requests, this.counter, this.#background, gracePeriodMs)
    this.heads = new Heads(this.requests)
  }

  async append(request: AppendRequest, signal: AbortSignal): Promise<AppendResult> {
    const [result] = await append(this, [request], signal)
    return result!
  }

  appendMany(
    requests: readonly AppendRequest[],
    signal: AbortSignal,
  ): Promise<readonly AppendResult[]> {
    return append(this, requests, signal)
  }

  readStream(query: StreamQuery) {
    return readStream(this.requests, this.heads, query)
  }

  readAll(query: AllQuery) {
    return readAll(this, query)
  }

  async streamVersion(streamId: string, signal: AbortSignal): Promise<number> {
    const { version } = await this.heads.read(streamId, signal)
    return version
  }

  headPosition(signal: AbortSignal): Promise<Position | null> {
    return headPosition(this, signal)
  }

  loadCheckpoint(subscriptionId: string, signal: AbortSignal) {
    return loadCheckpoint(this.requests, subscriptionId, signal)
  }

  saveCheckpoint(
    subscriptionId: string,
    position: Position,
    expected: Position | null | undefined,
    signal: AbortSignal,
  ) {
    return saveCheckpoint(this.requests, subscriptionId, position, expected, signal)
  }

  deleteCheckpoint(subscriptionId: string, signal: AbortSignal): Promise<void> {
    return deleteCheckpoint(this.requests, subscriptionId, signal)
  }

  loadSnapshot(streamId: string, signal: AbortSignal) {
    return loadSnapshot(this.requests, streamId, signal)
  }

  saveSnapshot(
    streamId: string,
    version: number,
    state: Payload,
    signal: AbortSignal,
  ): Promise<void> {
    return saveSnapshot(this.requests, streamId, version, state, signal)
  }

  deleteSnapshot(streamId: string, signal: AbortSignal): Promise<void> {
    return deleteSnapshot(this.requests, streamId, signal)
  }

  migrate(signal: AbortSignal): Promise<void> {
    return migrate(this.requests, signal)
  }

  async close(): Promise<void> {
    await this.#background.close()
    if (this.#ownsClient) this.requests.destroy()
  }

  translateError = translateError
}
