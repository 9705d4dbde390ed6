import {
  type AppendRequest,
  type AppendResult,
  categoryOf,
  coalesce,
  DuplicateEventIdError,
  type EventStoreError,
  type Outcome,
  WrongExpectedVersionError,
} from '@annals/core'
import type { Connection } from './connection.js'
import { toPosition } from './positions.js'
import type { SqliteFile } from './sqlite-file.js'

const selectVersion = 'SELECT max(version) FROM annals_events WHERE stream_id = ?'
const selectById = 'SELECT version, position FROM annals_events WHERE stream_id = ? AND id = ?'
const insertEvent = `
  INSERT INTO annals_events (stream_id, version, id, category, type, recorded_at, bytes, metadata, data)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** What is written all or nothing: an append to one stream, or to several. */
type Unit = readonly AppendRequest[]

/**
 * Appends, in groups: a sync of the disk costs a hundred times what the statements cost, and one sync serves all that
 * arrived in the same turn of the event loop.
 *
 * The order: SQLite makes the position (AUTOINCREMENT) inside the transaction, and the transaction holds the write lock
 * from BEGIN IMMEDIATE on, so the next number is made only after this one is committed or rolled back. Positions become
 * visible in the order in which they are made, and nothing arrives late (ALL-4). A number taken before the lock, from a
 * counter in the process or a clock, would not be such an order.
 */
export function appender(file: SqliteFile) {
  const groups = coalesce<Unit, readonly AppendResult[]>({
    maxItems: 256,
    maxWeight: 1024 * 1024,
    weigh: (unit) => unit.reduce((sum, request) => sum + request.bytes, 0),
    run: (units) =>
      file.write((connection) => {
        const now = Date.now()
        return units.map((unit) => appendUnit(connection, unit, now))
      }),
  })
  return {
    async append(request: AppendRequest, signal: AbortSignal): Promise<AppendResult> {
      const [result] = await groups.add([request], signal)
      return result!
    },
    appendMany: (requests: Unit, signal: AbortSignal) => groups.add(requests, signal),
  }
}

/**
 * Decides, then writes. A refusal has written nothing, so it needs no savepoint beside the others of its group; an error
 * of SQLite leaves here as an exception and takes the whole group back.
 */
function appendUnit(
  connection: Connection,
  unit: Unit,
  now: number,
): Outcome<readonly AppendResult[]> {
  const verdicts = unit.map((request) => judge(connection, request))
  const repeats = verdicts.flatMap((verdict) => verdict.repeat ?? [])
  if (repeats.length === unit.length) return { ok: true, value: repeats }
  const refusal =
    verdicts.find((verdict) => verdict.conflict)?.conflict ??
    verdicts.find((verdict) => verdict.duplicate)?.duplicate
  if (refusal) return { ok: false, error: refusal }
  const repeated = unit.find((_, index) => verdicts[index]!.repeat)
  if (repeated) {
    const ids = repeated.events.map((event) => event.id)
    return { ok: false, error: new DuplicateEventIdError(repeated.streamId, ids) }
  }
  const value = unit.map((request, index) =>
    write(connection, request, verdicts[index]!.version, now),
  )
  return { ok: true, value }
}

interface Verdict {
  /** The stream's version now. */
  readonly version: number
  readonly repeat?: AppendResult
  readonly conflict?: EventStoreError
  readonly duplicate?: EventStoreError
}

function judge(connection: Connection, { streamId, events, expected }: AppendRequest): Verdict {
  const version = streamVersion(connection, streamId)
  const known: { id: string; version: number; position: number }[] = []
  if (version > 0) {
    for (const { id } of events) {
      const row = connection.get(selectById, streamId, id)
      if (row) known.push({ id, version: Number(row[0]), position: Number(row[1]) })
    }
  }
  if (known.length === events.length) {
    const first = typeof expected === 'number' ? expected + 1 : known[0]!.version
    if (known.every((event, index) => event.version === first + index)) {
      const last = known.at(-1)!
      return {
        version,
        repeat: { version: last.version, position: toPosition(last.position) },
      }
    }
  }
  const conflict =
    typeof expected === 'number' ? expected !== version : expected === 'exists' && version === 0
  if (conflict) {
    return { version, conflict: new WrongExpectedVersionError(streamId, expected, version) }
  }
  if (known.length > 0) {
    const ids = known.map((event) => event.id)
    return { version, duplicate: new DuplicateEventIdError(streamId, ids) }
  }
  return { version }
}

function write(
  connection: Connection,
  { streamId, events }: AppendRequest,
  version: number,
  now: number,
): AppendResult {
  const category = categoryOf(streamId)
  let last = version
  let position = 0
  for (const { id, type, bytes, metadata, data } of events) {
    last++
    position = connection.run(
      insertEvent,
      ...[streamId, last, id, category, type, now, bytes, metadata, data],
    )
  }
  return { version: last, position: toPosition(position) }
}

export function streamVersion(connection: Connection, streamId: string): number {
  return Number(connection.get(selectVersion, streamId)?.[0] ?? 0)
}
