import { CorruptError, pages, quote, type StoredEvent, type StreamQuery } from '@annals/core'
import type { QueryCommandInput } from '@aws-sdk/client-dynamodb'
import type { Heads } from './heads.js'
import { fetchCommitted } from './items.js'
import { type Item, lastRecordSort, partKey, recordSort, streamPartition } from './keys.js'
import { backOff, pause } from './pause.js'
import { decodeEvents, decodeRecord, type StoredRecord } from './records.js'
import type { Requests } from './requests.js'

/** Records of one query; DynamoDB cuts it at 1 MB besides. */
const pageRecords = 500

/** Parts fetched for one batch: of up to 400 KB each. */
const batchParts = 8

/** How often a gap between versions is looked at again before it is taken for a loss. */
const looks = 40

interface Cursor {
  /** The version to go on with, inclusive; undefined: from the end, backwards. */
  readonly from: number | undefined
  readonly left: number
  /** Records at hand, not given yet. */
  readonly pending: readonly StoredRecord[]
  /** Whether there may be records behind `pending`. */
  readonly more: boolean
  /** Whether `from` is certainly the first version of a record. */
  readonly aligned: boolean
}

/** A stream's events, strongly consistent (READ-2), a page at a time. */
export async function* readStream(
  requests: Requests,
  heads: Heads,
  query: StreamQuery,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const { streamId, direction, limit } = query
  const forwards = direction === 'forwards'
  const start: Cursor = {
    from: query.fromVersion,
    left: limit,
    pending: [],
    more: true,
    aligned: query.fromVersion === 1,
  }

  const fetchPage = async (cursor: Cursor | null, signal: AbortSignal) => {
    const { from, left, pending, more, aligned } = cursor ?? start
    let records: readonly StoredRecord[] = pending
    let behind = more
    if (records.length === 0) {
      const answer = await (forwards
        ? recordsFrom(requests, streamId, from!, left, aligned, signal)
        : recordsDownFrom(requests, streamId, from, left, signal))
      records = answer.records
      behind = answer.more
      if (!forwards && from === undefined && records[0]) rememberEnd(heads, records[0])
      if (forwards && !behind && records.length > 0) rememberEnd(heads, records.at(-1)!)
    }
    const taken = someOf(records)
    const loaded = await loadEvents(requests, taken, signal)
    let events = forwards
      ? loaded.filter((event) => event.version >= from!)
      : loaded.reverse().filter((event) => from === undefined || event.version <= from)
    events = events.slice(0, left)
    const rest = records.slice(taken.length)
    const last = events.at(-1)?.version
    const done = left - events.length <= 0 || (rest.length === 0 && !behind)
    const next: Cursor | null = done
      ? null
      : {
          from: last === undefined ? from : forwards ? last + 1 : last - 1,
          left: left - events.length,
          pending: rest,
          more: behind,
          aligned: last === undefined ? aligned : true,
        }
    return { page: events, next }
  }

  for await (const page of pages<readonly StoredEvent[], Cursor>(query.signal, fetchPage)) {
    if (page.length > 0) yield page
  }
}

/** The events of records, in the order of their versions where the records are; each record's are ascending. */
export async function loadEvents(
  requests: Requests,
  records: readonly StoredRecord[],
  signal: AbortSignal,
): Promise<StoredEvent[]> {
  const ascending = [...records].sort((a, b) => a.first - b.first)
  const keys = ascending.flatMap(({ streamId, first, parts }) =>
    Array.from({ length: parts }, (_, part) => partKey(streamId, first, part)),
  )
  const parts = await fetchCommitted(requests, keys, signal)
  let next = 0
  return ascending.flatMap((record) => {
    if (record.events) return decodeEvents(record, record.events)
    const events = parts.slice(next, next + record.parts).flatMap((part) => part.e?.L ?? [])
    next += record.parts
    if (events.length !== record.last - record.first + 1) {
      throw new CorruptError(
        `Versions ${record.first} to ${record.last} of stream ${quote(record.streamId)} are not all in their parts. Something else has written to the table.`,
      )
    }
    return decodeEvents(record, events)
  })
}

/** As many as may be loaded at once, at least one. */
function someOf(records: readonly StoredRecord[]): readonly StoredRecord[] {
  let parts = 0
  const end = records.findIndex((record, i) => {
    parts += record.parts
    return i > 0 && parts > batchParts
  })
  return end === -1 ? records : records.slice(0, end)
}

function rememberEnd(heads: Heads, { streamId, last, ticket }: StoredRecord): void {
  heads.remember(streamId, { version: last, ticket })
}

/** Records that hold `from` and what follows, without a gap. */
async function recordsFrom(
  requests: Requests,
  streamId: string,
  from: number,
  left: number,
  aligned: boolean,
  signal: AbortSignal,
): Promise<{ records: StoredRecord[]; more: boolean }> {
  for (let look = 1; ; look++) {
    // A record is found by its first version. The one that holds `from` may begin before it.
    const [covering, following] = await Promise.all([
      aligned
        ? undefined
        : queryRecords(requests, streamId, 1, from, { ScanIndexForward: false, Limit: 1 }, signal),
      queryRecords(
        requests,
        streamId,
        aligned ? from : from + 1,
        undefined,
        { Limit: Math.min(left, pageRecords) },
        signal,
      ),
    ])
    const records: StoredRecord[] = []
    const holder = covering?.records[0]
    if (holder && holder.last >= from) records.push(holder)
    let next = holder && holder.last >= from ? holder.last + 1 : from
    // A query is no snapshot: it may pass a key before one append commits and reach another that follows it.
    let gap = false
    for (const record of following.records) {
      if (record.first !== next) {
        gap = true
        break
      }
      records.push(record)
      next = record.last + 1
    }
    if (records.length > 0 || !gap) return { records, more: gap || following.more }
    if (look === looks) {
      throw new CorruptError(
        `Version ${next} of stream ${quote(streamId)} is not there, but later ones are. A table restored to a point in time may hold a part of its last transactions: run repairDynamoDbTable() once, before anything else uses it.`,
      )
    }
    await pause(backOff(look, 5, 250), signal)
  }
}

async function recordsDownFrom(
  requests: Requests,
  streamId: string,
  from: number | undefined,
  left: number,
  signal: AbortSignal,
): Promise<{ records: StoredRecord[]; more: boolean }> {
  // What follows a visible record is read later, and was committed before it: there can be no gap.
  return queryRecords(
    requests,
    streamId,
    1,
    from,
    { ScanIndexForward: false, Limit: Math.min(left, pageRecords) },
    signal,
  )
}

async function queryRecords(
  requests: Requests,
  streamId: string,
  from: number,
  to: number | undefined,
  options: Partial<QueryCommandInput>,
  signal: AbortSignal,
): Promise<{ records: StoredRecord[]; more: boolean }> {
  const { Items = [], LastEvaluatedKey } = await requests.query(
    {
      KeyConditionExpression: 'PK = :stream AND SK BETWEEN :from AND :to',
      ExpressionAttributeValues: {
        ':stream': { S: streamPartition(streamId) },
        ':from': { S: recordSort(from) },
        ':to': { S: to === undefined ? lastRecordSort : recordSort(to) },
      },
      ConsistentRead: true,
      ...options,
    },
    signal,
  )
  return {
    records: Items.map((item: Item) => decodeRecord(streamId, item)),
    more: LastEvaluatedKey !== undefined,
  }
}
