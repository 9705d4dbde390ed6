import {
  type AppendRequest,
  type AppendResult,
  DuplicateEventIdError,
  type EncodedEvent,
  type ExpectedVersion,
  isEventStoreError,
  StreamDeletedError,
  TooLargeError,
  UnavailableError,
  WrongExpectedVersionError,
} from '@annals/core'
import type {
  AppendStreamState,
  EventData,
  MaxAppendSizeExceededError,
  WrongExpectedVersionError as ServerConflict,
} from '@kurrent/kurrentdb-client'
import { withDeadline } from './client.js'
import type { Context } from './context.js'
import { encodePosition } from './positions.js'
import { readStream, streamVersion } from './read.js'
import { kindOf } from './translate-error.js'

/** Appends under way, by stream and first event id. */
export type InFlight = Map<string, Promise<unknown>>

export async function append(
  context: Context,
  inFlight: InFlight,
  request: AppendRequest,
): Promise<AppendResult> {
  const { streamId, events } = request
  const name = context.names.toName(streamId)
  // The server drops a repeat that arrives before the first has been indexed, and lets it time out after two or three
  // seconds; a repeat from this store waits for the first instead.
  const key = `${events[0]!.id} ${name}`
  for (let earlier = inFlight.get(key); earlier; earlier = inFlight.get(key)) await earlier
  const work = send(context, request, name)
  const settled = work.then(
    () => inFlight.delete(key),
    () => inFlight.delete(key),
  )
  inFlight.set(key, settled)
  return work
}

async function send(context: Context, request: AppendRequest, name: string): Promise<AppendResult> {
  const { streamId, events, expected } = request
  const { writers, deadlineMs } = context
  const held = writers.acquire()
  try {
    const result = await withDeadline(
      held.client.appendToStream(name, events.map(toEventData), {
        streamState: streamStateOf(expected),
        requiresLeader: true,
      }),
      deadlineMs,
      `the append to stream ${name}`,
    )
    // A client that was made with `throwOnAppendFailure: false` gives a conflict so, and with a revision that is wrong.
    if (!result.success)
      throw conflict(
        request,
        await streamVersion(context, streamId, AbortSignal.timeout(deadlineMs)),
      )
    // A repeat of what was written to a stream that has been deleted since: there is no event to point to.
    if (!result.position) throw new StreamDeletedError(streamId)
    return {
      version: Number(result.nextExpectedRevision) + 1,
      position: encodePosition(result.position.commit),
    }
  } catch (error) {
    if (isEventStoreError(error)) throw error
    switch (kindOf(error)) {
      case 'WrongExpectedVersionError': {
        const { actualState } = error as ServerConflict
        throw conflict(
          request,
          typeof actualState === 'bigint' ? Number(actualState) + 1 : 0,
          error,
        )
      }
      case 'StreamDeletedError':
        throw await deleted(context, request, error)
      case 'MaxAppendSizeExceededError': {
        const { maxAppendSize } = error as MaxAppendSizeExceededError
        throw new TooLargeError(
          'The append',
          "the server's MaxAppendSize",
          request.bytes,
          maxAppendSize,
          { cause: error },
        )
      }
      // Not an error of a command: the connection may be dead (no answer in time), or the client may have kept the
      // failed answer to its first question to the server, and give it again for ever.
      case undefined:
        writers.replace(held)
    }
    throw error
  } finally {
    writers.release(held)
  }
}

export function conflict(request: AppendRequest, actual: number, cause?: unknown) {
  const { streamId, expected, events } = request
  // 'any' and 'exists' meet with a conflict on a stream that exists only where the first ids are known and others not.
  return typeof expected === 'number' || actual === 0
    ? new WrongExpectedVersionError(streamId, expected, actual, { cause })
    : new DuplicateEventIdError(streamId, [events[0]!.id], { cause })
}

/**
 * The server refuses 'exists' alike on a stream that was deleted for ever and on one that may be written again. The
 * latter reads as empty, so to the contract it does not exist.
 */
export async function deleted(context: Context, request: AppendRequest, cause: unknown) {
  const { streamId, expected } = request
  if (expected === 'exists') {
    const version = await streamVersion(context, streamId, AbortSignal.timeout(context.deadlineMs))
    if (version === 0) return new WrongExpectedVersionError(streamId, expected, 0, { cause })
  }
  return new StreamDeletedError(streamId, { cause })
}

/** How far back `findAppend` looks at least, and at most. */
const lookBack = { events: 1_000, milliseconds: 5 * 60_000, most: 100_000 }

/**
 * Looks for an append with 'any' or 'exists' whose answer was lost, from the end of its stream backwards. The server
 * recognises a blind repeat only as long as the leader that took the first one lives. Where the ids are not there, the
 * repeat is safe: a lost request that commits after this look does so on a leader that lives, which then knows its ids.
 */
export async function findAppend(
  context: Context,
  { streamId, events }: AppendRequest,
  signal: AbortSignal,
): Promise<AppendResult | null> {
  const last = events[events.length - 1]!.id
  const since = Date.now() - lookBack.milliseconds
  let looked = 0
  const query = {
    streamId,
    direction: 'backwards',
    fromVersion: undefined,
    limit: lookBack.most,
    signal,
  } as const
  for await (const batch of readStream(context, query)) {
    const found = batch.find((event) => event.id === last)
    if (found) {
      const first = found.version - events.length + 1
      if (await holds(context, streamId, first, events, signal))
        return { version: found.version, position: found.position }
    }
    looked += batch.length
    const oldest = batch[batch.length - 1]!
    // Both a number and a time, so that neither a busy stream nor a clock that is wrong hides the events.
    if (looked >= lookBack.events && oldest.recordedAt.getTime() < since) return null
  }
  if (looked < lookBack.most) return null
  throw new UnavailableError(
    `Stream ${streamId} has grown by ${looked} events since the append whose answer was lost; looked no further.`,
  )
}

/** Whether these events are in the stream as one run that begins at this version. */
export async function holds(
  context: Context,
  streamId: string,
  fromVersion: number,
  events: readonly EncodedEvent[],
  signal: AbortSignal,
): Promise<boolean> {
  if (fromVersion < 1) return false
  let i = 0
  const query = {
    streamId,
    direction: 'forwards',
    fromVersion,
    limit: events.length,
    signal,
  } as const
  for await (const batch of readStream(context, query))
    for (const event of batch) if (event.id !== events[i++]?.id) return false
  return i === events.length
}

export function streamStateOf(expected: ExpectedVersion): AppendStreamState {
  if (expected === 'any') return 'any'
  if (expected === 'exists') return 'stream_exists'
  return expected === 0 ? 'no_stream' : BigInt(expected - 1)
}

/**
 * JSON is stored as JSON, so that other tools see it. The client writes JSON only from a value, never from text;
 * `JSON.parse` keeps everything that a JSON text can hold, `__proto__` keys and lone surrogates included.
 */
export function toEventData({ id, type, data, metadata }: EncodedEvent): EventData {
  const json = typeof data === 'string'
  return {
    id,
    type,
    contentType: json ? 'application/json' : 'application/octet-stream',
    data: json ? JSON.parse(data) : plain(data),
    metadata: metadata === '{}' ? undefined : plain(Buffer.from(metadata, 'utf8')),
  } as EventData
}

/** The client takes bytes only as a `Uint8Array` itself, not as a `Buffer`. */
export function plain(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
