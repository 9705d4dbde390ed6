import { CorruptError, type EncodedEvent, quote, type StoredEvent } from '@annals/core'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { sizeOf } from './item-size.js'
import { type Item, idKey, partKey, recordKey } from './keys.js'
import { positionOf } from './positions.js'

// A record is one append in its stream. Its key carries the first version, so that two appends that follow the same event
// want the same key: "absent" is the condition that decides between them. Attribute names are short because DynamoDB
// bills them with each item.
//   l  last version        t  ticket           x  number of the first event in the ticket's slot (absent: 1)
//   at recorded, ms        e  the events, or   n  the number of parts that hold them
//   m  streams of the append (absent: 1)

/** Above this the events go into parts, so that finding a stream's version never reads more than this. */
export const maxInlineBytes = 16 * 1024

/** Events of one part: an item holds 400 KB, and the largest event must fit beside what is already there. */
const maxPartBytes = 396 * 1024

export interface RecordInfo {
  readonly streamId: string
  readonly first: number
  readonly last: number
  readonly ticket: number
  readonly firstIndex: number
  readonly at: number
  /** How many streams the append wrote to. */
  readonly streams: number
}

export interface StoredRecord extends RecordInfo {
  /** Undefined where they are in `parts` parts. */
  readonly events: readonly AttributeValue[] | undefined
  readonly parts: number
}

export function encodeEvent(event: EncodedEvent): AttributeValue {
  const { id, type, data, metadata } = event
  const fields: AttributeValue[] = [
    { S: id },
    { S: type },
    typeof data === 'string' ? { S: data } : { B: data },
  ]
  if (metadata !== '{}') fields.push({ S: metadata })
  return { L: fields }
}

export function encodeRecord(
  info: RecordInfo,
  events: readonly AttributeValue[],
): { readonly record: Item; readonly parts: readonly Item[] } {
  const { streamId, first, last, ticket, firstIndex, at, streams } = info
  const record: Item = {
    ...recordKey(streamId, first),
    l: { N: String(last) },
    t: { N: String(ticket) },
    at: { N: String(at) },
  }
  if (firstIndex !== 1) record.x = { N: String(firstIndex) }
  if (streams !== 1) record.m = { N: String(streams) }
  if (sizeOf({ L: [...events] }) <= maxInlineBytes) {
    record.e = { L: [...events] }
    return { record, parts: [] }
  }
  const parts = packed(events).map((part, index) => ({
    ...partKey(streamId, first, index),
    e: { L: part },
  }))
  record.n = { N: String(parts.length) }
  return { record, parts }
}

function packed(events: readonly AttributeValue[]): AttributeValue[][] {
  const parts: AttributeValue[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const event of events) {
    const bytes = sizeOf(event) + 1
    if (size + bytes > maxPartBytes) {
      parts.push([])
      size = 0
    }
    parts.at(-1)!.push(event)
    size += bytes
  }
  return parts
}

export function decodeRecord(streamId: string, item: Item): StoredRecord {
  const first = Number(item.SK?.S?.slice(2))
  const last = Number(item.l?.N)
  const ticket = Number(item.t?.N)
  const events = item.e?.L
  const parts = Number(item.n?.N ?? 0)
  if (
    !(first >= 1 && last >= first && ticket >= 1) ||
    (events ? events.length !== last - first + 1 : !(parts >= 1))
  ) {
    throw new CorruptError(
      `Item ${item.SK?.S} of stream ${quote(streamId)} is not a record of this store. Something else has written to the table.`,
    )
  }
  const firstIndex = Number(item.x?.N ?? 1)
  const at = Number(item.at?.N)
  const streams = Number(item.m?.N ?? 1)
  return { streamId, first, last, ticket, firstIndex, at, streams, events, parts }
}

/** The events of a record, all of them. */
export function decodeEvents(
  info: Omit<RecordInfo, 'streams'>,
  events: readonly AttributeValue[],
): StoredEvent[] {
  const recordedAt = new Date(info.at)
  return events.map((value, i) => {
    const [id, type, data, metadata] = value.L ?? []
    const payload = data?.S ?? data?.B
    if (id?.S === undefined || type?.S === undefined || payload === undefined) {
      throw new CorruptError(
        `Version ${info.first + i} of stream ${quote(info.streamId)} is not an event of this store. Something else has written to the table.`,
      )
    }
    return {
      id: id.S,
      streamId: info.streamId,
      version: info.first + i,
      position: positionOf(info.ticket, info.firstIndex + i),
      type: type.S,
      data: payload,
      metadata: metadata?.S ?? '{}',
      recordedAt,
    }
  })
}

/** What a repeated append with 'any' or 'exists' is recognised by. */
export function encodeId(streamId: string, eventId: string, first: number, ticket: number): Item {
  return { ...idKey(streamId, eventId), f: { N: String(first) }, t: { N: String(ticket) } }
}
