import type {
  AllBatch,
  AllQuery,
  AppendRequest,
  AppendResult,
  Capabilities,
  Payload,
  Position,
  StoreDriver,
  StoredEvent,
  StreamQuery,
} from '@annals/core'
import { append, findAppend, type InFlight } from './append.js'
import { appendMany } from './append-many.js'
import { asksForMultiStreamAppend, capabilitiesOf, limits } from './capabilities.js'
import { Checkpoints } from './checkpoints.js'
import { ClientSlot } from './client.js'
import type { Context } from './context.js'
import { Names } from './names.js'
import { origin, positionPattern } from './positions.js'
import { headPosition, readAll, readStream, streamVersion } from './read.js'
import type { Settings } from './settings.js'
import { deleteSnapshot, loadSnapshot, saveSnapshot } from './snapshots.js'
import { tailAll, tailStream } from './subscribe.js'
import { translateError } from './translate-error.js'

export class KurrentDbDriver implements StoreDriver {
  readonly name = 'kurrentdb'
  readonly limits = limits
  readonly positionPattern = positionPattern
  readonly origin = origin
  readonly translateError = translateError
  readonly #context: Context
  readonly #checkpoints: Checkpoints
  readonly #inFlight: InFlight = new Map()
  #capabilities = capabilitiesOf(false)
  #asked: Promise<void> | undefined

  constructor({ open, given, namespace, deadlineMs }: Settings) {
    this.#context = {
      names: new Names(namespace),
      // Two clients, so that replacing a reader that is stuck disturbs no append and no subscription.
      readers: new ClientSlot(open, given),
      writers: new ClientSlot(open, given),
      deadlineMs,
    }
    this.#checkpoints = new Checkpoints(this.#context)
  }

  get capabilities(): Capabilities {
    return this.#capabilities
  }

  prepare(): Promise<void> {
    this.#asked ??= this.#ask().catch((error: unknown) => {
      this.#asked = undefined
      throw error
    })
    return this.#asked
  }

  async #ask(): Promise<void> {
    this.#capabilities = capabilitiesOf(await asksForMultiStreamAppend(this.#context))
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return append(this.#context, this.#inFlight, request)
  }

  appendMany(requests: readonly AppendRequest[], signal: AbortSignal) {
    return appendMany(this.#context, requests, signal)
  }

  findAppend(request: AppendRequest, signal: AbortSignal): Promise<AppendResult | null> {
    return findAppend(this.#context, request, signal)
  }

  readStream(query: StreamQuery): AsyncIterable<readonly StoredEvent[]> {
    return readStream(this.#context, query)
  }

  readAll(query: AllQuery): AsyncIterable<AllBatch> {
    return readAll(this.#context, query)
  }

  tailAll(query: AllQuery): AsyncIterable<AllBatch> {
    return tailAll(this.#context, query)
  }

  tailStream(query: StreamQuery): AsyncIterable<readonly StoredEvent[]> {
    return tailStream(this.#context, query)
  }

  streamVersion(streamId: string, signal: AbortSignal): Promise<number> {
    return streamVersion(this.#context, streamId, signal)
  }

  headPosition(signal: AbortSignal): Promise<Position | null> {
    return headPosition(this.#context, signal)
  }

  loadCheckpoint(subscriptionId: string, signal: AbortSignal): Promise<Position | null> {
    return this.#checkpoints.load(subscriptionId, signal)
  }

  saveCheckpoint(
    subscriptionId: string,
    position: Position,
    expected: Position | null | undefined,
    signal: AbortSignal,
  ) {
    return this.#checkpoints.save(subscriptionId, position, expected, signal)
  }

  async deleteCheckpoint(subscriptionId: string, signal: AbortSignal): Promise<void> {
    await this.#checkpoints.save(subscriptionId, null, undefined, signal)
  }

  loadSnapshot(streamId: string, signal: AbortSignal) {
    return loadSnapshot(this.#context, streamId, signal)
  }

  saveSnapshot(streamId: string, version: number, state: Payload, signal: AbortSignal) {
    return saveSnapshot(this.#context, streamId, version, state, signal)
  }

  deleteSnapshot(streamId: string, signal: AbortSignal): Promise<void> {
    return deleteSnapshot(this.#context, streamId, signal)
  }

  /** The server needs no schema; this only asks it what it offers. */
  migrate(): Promise<void> {
    return this.prepare()
  }

  async close(): Promise<void> {
    await Promise.all([this.#context.readers.close(), this.#context.writers.close()])
  }
}
