import {
  type AllBatch,
  type AllQuery,
  isEventStoreError,
  type Position,
  type StoredEvent,
  StreamDeletedError,
  type StreamQuery,
} from '@annals/core'
import type { KurrentDBClient } from '@kurrent/kurrentdb-client'
import { abortable, DeadlineError, type HeldClient, startDeadline, withDeadline } from './client.js'
import type { Context } from './context.js'
import type { ServerFilter } from './names.js'
import { decodePosition, encodePosition, end, origin, type ServerPosition } from './positions.js'
import { eventOfRaw, type RawRecord } from './records.js'
import { isKind } from './translate-error.js'

/**
 * A read that is given up is cancelled on the server only when it is garbage collected, so a long one is made of many
 * requests: what is given up is at most one of them.
 */
const requestSize = 16_384

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
  if (!forwards && (scannedTo === null || scannedTo === end)) {
    let last: RawRecord | undefined
    for await (const [record] of allRecords(context, direction, null, 1, serverFilter, signal)) {
      if (record) last = record
      else yield { events: [], scannedTo: end, atHead: false }
    }
    if (!last) {
      yield { events: [], scannedTo: origin, atHead: true }
      return
    }
    scannedTo = positionOf(last, origin)
    const newest = eventsOf(context, filter, [last])
    // Going backwards from the end, the server passes over the last events of an append that it is just indexing, and by
    // the time it comes to the first ones they count (EventStoreDB 23.10 compares each record with an index position that
    // moves on). Forwards it gives an append whole, so what is behind the last record comes from there.
    const later = {
      ...query,
      direction: 'forwards',
      after: scannedTo,
      limit: Number.POSITIVE_INFINITY,
    } as const
    for await (const { events } of readAll(context, later)) newest.push(...events)
    const events = newest.reverse().slice(0, limit)
    limit -= events.length
    if (limit === 0) scannedTo = events[events.length - 1]!.position
    yield { events, scannedTo, atHead: false }
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
      const last = records.at(-1)
      if (!last) {
        // Core must know that this is still at work.
        yield { events: [], scannedTo: scannedTo ?? end, atHead: false }
        continue
      }
      got += records.length
      const events = eventsOf(context, filter, records)
        .filter(({ position }) => position !== scannedTo)
        .slice(0, limit)
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

/** What of the server's records is an event that passes: its filter is at times wider. */
function eventsOf(
  { names }: Context,
  filter: AllQuery['filter'],
  records: readonly RawRecord[],
): StoredEvent[] {
  return records.flatMap((record) => {
    const streamId = names.toId(record.streamId)
    return names.passes(filter, streamId, record.type) ? [eventOfRaw(record, streamId)] : []
  })
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
  for await (const { events } of readAll(context, last)) if (events[0]) return events[0].position
  return null
}

/** The position of the server's last record, whosever it is: everything up to it can be read now. */
export async function lastRecord(context: Context, signal: AbortSignal): Promise<Position> {
  for await (const [record] of allRecords(context, 'backwards', null, 1, null, signal))
    if (record) return positionOf(record, origin)
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

/**
 * The records of one request, as they come. An empty list says only that the server, which has found nothing yet, still
 * answers other questions.
 */
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
    let next: Promise<IteratorResult<BatchOf>> | undefined
    for (;;) {
      next ??= batches.next()
      try {
        const batch = await abortable(
          mayBeSilent ? unlessSilent(next, deadlineMs / 2) : withDeadline(next, deadlineMs, what),
          signal,
        )
        if (batch === 'silence') {
          await abortable(probe(context, held, what), signal)
          yield []
          continue
        }
        if (batch.done) return
        next = undefined
        const records = batch.value.flatMap(({ event }) => (event ? [event] : []))
        if (records.length > 0) yield records
      } catch (error) {
        // The request goes on by itself, but its failure is nobody's unhandled rejection.
        next?.catch(() => {})
        judge(context, held, error)
        throw error
      }
    }
  } finally {
    readers.release(held)
  }
}

type BatchOf = Batches extends AsyncIterable<infer B> ? B : never

async function unlessSilent<T>(next: Promise<T>, milliseconds: number): Promise<T | 'silence'> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<'silence'>((resolve) => {
    timer = startDeadline(milliseconds, () => resolve('silence'))
  })
  return Promise.race([next, silence]).finally(() => clearTimeout(timer))
}

/** Asks the server, on the same connection, something that it can answer at once. */
async function probe({ deadlineMs }: Context, { client }: HeldClient, what: string): Promise<void> {
  const credentials = await client.credentialsProvider?.()
  const last = client.rustClient.readAll({
    direction: 'backwards',
    fromPosition: 'end',
    maxCount: 1n,
    requiresLeader: true,
    resolvesLink: false,
    ...(credentials ? { credentials } : {}),
  })
  await withDeadline(last[Symbol.asyncIterator]().next(), deadlineMs / 2, what)
}

/**
 * Later reads get another client after a failure of this one's connection: a native reader whose first read failed never
 * recovers, nor does one that has lost the leader of a cluster; another one costs no more than a reconnection.
 */
function judge({ readers }: Context, held: HeldClient, error: unknown): void {
  const late = error instanceof DeadlineError || isEventStoreError(error, 'UNAVAILABLE')
  if (late || isKind(error, 'UnavailableError') || isKind(error, 'NotLeaderError'))
    readers.replace(held)
}
