import {
  type AllBatch,
  type AllQuery,
  type Position,
  type StoredEvent,
  StreamDeletedError,
  type StreamQuery,
} from '@annals/core'
import type { KurrentDBClient } from '@kurrent/kurrentdb-client'
import { abortable, DeadlineError, type HeldClient, withDeadline } from './client.js'
import type { Context } from './context.js'
import type { ServerFilter } from './names.js'
import { decodePosition, encodePosition, origin, type ServerPosition } from './positions.js'
import { eventOfRaw, type RawRecord } from './records.js'
import { isKind } from './translate-error.js'

/**
 * A read that is given up is cancelled on the server only when it is garbage collected, so a long one is made of many
 * requests: what is given up is at most one of them.
 */
const requestSize = 8192

/** The native reader, which gives records in arrays and with their bytes as they are stored. */
type NativeReader = KurrentDBClient['rustClient']
type Credentials = NonNullable<Parameters<NativeReader['readAll']>[0]>['credentials']
type Batches = ReturnType<NativeReader['readAll']>

export async function* readStream(
  context: Context,
  query: StreamQuery,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const { direction, streamId, signal } = query
  const name = context.names.toName(streamId)
  let limit = query.limit
  // `end` backwards; a version above the last is the end as well.
  let from = query.fromVersion === undefined ? null : query.fromVersion - 1
  if (direction === 'forwards') from = Math.max(from ?? 0, 0)
  while (limit > 0 && (from === null || from >= 0)) {
    const wanted = Math.min(limit, requestSize)
    let got = 0
    try {
      for await (const records of streamRecords(context, name, direction, from, wanted, signal)) {
        got += records.length
        const last = Number(records[records.length - 1]!.revision)
        from = direction === 'forwards' ? last + 1 : last - 1
        yield records.map((record) => eventOfRaw(record, streamId))
      }
    } catch (error) {
      if (isKind(error, 'StreamDeletedError'))
        throw new StreamDeletedError(streamId, { cause: error })
      throw error
    }
    limit -= got
    if (got < wanted) return
  }
}

/** The last record of a stream by the server's name, or null. */
export async function readLast(
  context: Context,
  name: string,
  signal: AbortSignal,
): Promise<RawRecord | null> {
  for await (const records of streamRecords(context, name, 'backwards', null, 1, signal))
    return records[0] ?? null
  return null
}

/** The records of a stream; none where it was never written, or deleted in the way that lets it be written again. */
async function* streamRecords(
  context: Context,
  name: string,
  direction: StreamQuery['direction'],
  /** Null: the end. */
  from: number | null,
  maxCount: number,
  signal: AbortSignal,
): AsyncGenerator<readonly RawRecord[], void, undefined> {
  try {
    yield* recordsOf(
      context,
      (reader, credentials) =>
        reader.readStream(name, {
          direction,
          fromRevision: from === null ? 'end' : BigInt(from),
          maxCount: BigInt(maxCount),
          requiresLeader: true,
          resolvesLink: false,
          ...(credentials ? { credentials } : {}),
        }),
      `the read of stream ${name}`,
      signal,
    )
  } catch (error) {
    if (!isKind(error, 'StreamNotFoundError')) throw error
  }
}

export async function* readAll(
  context: Context,
  query: AllQuery,
): AsyncGenerator<AllBatch, void, undefined> {
  const { direction, filter, signal } = query
  const forwards = direction === 'forwards'
  const serverFilter = context.names.serverFilter(filter)
  let limit = query.limit
  let scannedTo = query.after ?? (forwards ? origin : null)
  if (!forwards && scannedTo === origin) {
    yield { events: [], scannedTo: origin, atHead: true }
    return
  }
  while (limit > 0) {
    // Forwards the server begins with the record at the position, backwards with the one below it.
    const inclusive = forwards && scannedTo !== origin
    const wanted = Math.min(limit + (inclusive ? 1 : 0), requestSize)
    let got = 0
    for await (const records of allRecords(
      context,
      direction,
      scannedTo,
      wanted,
      serverFilter,
      signal,
    )) {
      got += records.length
      const events: StoredEvent[] = []
      for (const record of records) {
        const streamId = context.names.toId(record.streamId)
        if (!context.names.passes(filter, streamId, record.type)) continue
        const event = eventOfRaw(record, streamId)
        if (event.position !== scannedTo && events.length < limit) events.push(event)
      }
      const last = records[records.length - 1]!
      scannedTo =
        events.length === limit
          ? events[events.length - 1]!.position
          : positionOf(last, scannedTo ?? origin)
      limit -= events.length
      if (events.length > 0) yield { events, scannedTo, atHead: false }
      if (limit <= 0) return
    }
    if (got < wanted) break
  }
  yield { events: [], scannedTo: scannedTo ?? origin, atHead: true }
}

/** The version of the stream's last event; 0 where it has none. */
export async function streamVersion(
  context: Context,
  streamId: string,
  signal: AbortSignal,
): Promise<number> {
  const last = {
    streamId,
    direction: 'backwards',
    fromVersion: undefined,
    limit: 1,
    signal,
  } as const
  for await (const events of readStream(context, last)) return events[0]!.version
  return 0
}

/** The position of the last event of the store, or null. */
export async function headPosition(
  context: Context,
  signal: AbortSignal,
): Promise<Position | null> {
  const last = { direction: 'backwards', after: null, limit: 1, filter: null, signal } as const
  for await (const { events } of readAll(context, last)) return events[0]?.position ?? null
  return null
}

/** The position of the server's last record, whosever it is: everything up to it can be read now. */
export async function lastRecord(context: Context, signal: AbortSignal): Promise<Position> {
  for await (const records of allRecords(context, 'backwards', null, 1, null, signal))
    return positionOf(records[0]!, origin)
  return origin
}

function allRecords(
  context: Context,
  direction: AllQuery['direction'],
  from: Position | null,
  maxCount: number,
  filter: ServerFilter | null,
  signal: AbortSignal,
) {
  const position: ServerPosition | null = decodePosition(from)
  return recordsOf(
    context,
    (reader, credentials) =>
      reader.readAll({
        direction,
        fromPosition: position ?? (direction === 'forwards' ? 'start' : 'end'),
        maxCount: BigInt(maxCount),
        requiresLeader: true,
        resolvesLink: false,
        ...(filter ? { filter } : {}),
        ...(credentials ? { credentials } : {}),
      }),
    'a read of all streams',
    signal,
    // The server may look through a long log without finding what passes the filter, and says nothing meanwhile.
    filter !== null,
  )
}

function positionOf(record: RawRecord, otherwise: Position): Position {
  return record.position ? encodePosition(record.position.commit) : otherwise
}

/** The records of one request, as they come. */
async function* recordsOf(
  context: Context,
  ask: (reader: NativeReader, credentials: Credentials) => Batches,
  what: string,
  signal: AbortSignal,
  mayBeSilent = false,
): AsyncGenerator<readonly RawRecord[], void, undefined> {
  signal.throwIfAborted()
  const { readers, deadlineMs } = context
  const held = readers.acquire()
  try {
    const { client } = held
    const credentials = await client.credentialsProvider?.()
    const batches = ask(client.rustClient, credentials)[Symbol.asyncIterator]()
    for (;;) {
      const next = batches.next()
      const batch = await abortable(
        mayBeSilent ? patiently(context, held, next, what) : withDeadline(next, deadlineMs, what),
        signal,
      ).catch((error: unknown) => {
        // The request goes on by itself, but its failure is nobody's unhandled rejection.
        next.catch(() => {})
        judge(context, held, error)
        throw error
      })
      held.hasRead = true
      if (batch.done) return
      const records = batch.value.flatMap(({ event }) => (event ? [event] : []))
      if (records.length > 0) yield records
    }
  } finally {
    await readers.release(held)
  }
}

/** Waits as long as the server answers other questions on the same connection. */
async function patiently<T>(
  context: Context,
  held: HeldClient,
  next: Promise<T>,
  what: string,
): Promise<T> {
  const { deadlineMs } = context
  for (;;) {
    try {
      return await withDeadline(next, deadlineMs, what)
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error
      const credentials = await held.client.credentialsProvider?.()
      const probe = held.client.rustClient
        .readAll({
          direction: 'backwards',
          fromPosition: 'end',
          maxCount: 1n,
          requiresLeader: true,
          resolvesLink: false,
          ...(credentials ? { credentials } : {}),
        })
        [Symbol.asyncIterator]()
        .next()
      await withDeadline(probe, deadlineMs, what)
    }
  }
}

/** Whether later reads should get another client after this failure. */
function judge({ readers }: Context, held: HeldClient, error: unknown): void {
  const unreachable = isKind(error, 'UnavailableError') || error instanceof DeadlineError
  if (error instanceof DeadlineError || (unreachable && !held.hasRead)) readers.replace(held)
  // Any other answer of the server shows that the connection works.
  else if (!unreachable && isKind(error)) held.hasRead = true
}
