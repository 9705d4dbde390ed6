import { CorruptError, type Payload, type StoredEvent } from '@annals/core'
import { encodePosition } from './positions.js'

/** A record as the client's native reader gives it: with the bytes as they are stored. */
export interface RawRecord {
  readonly streamId: string
  readonly id: string
  readonly type: string
  readonly isJson: boolean
  readonly revision: bigint
  readonly created: number
  readonly data: Uint8Array
  readonly metadata: Uint8Array
  readonly position?: { readonly commit: bigint }
}

/** A record as the client's subscriptions give it: with JSON parsed already. */
export interface ParsedRecord {
  readonly streamId: string
  readonly id: string
  readonly type: string
  readonly isJson: boolean
  readonly revision: bigint
  readonly created: Date
  readonly data: unknown
  readonly metadata?: unknown
  readonly position?: { readonly commit: bigint } | undefined
}

/** The event of a record; `streamId` is the store's id of its stream. */
export function eventOfRaw(record: RawRecord, streamId: string): StoredEvent {
  return {
    id: record.id,
    streamId,
    version: Number(record.revision) + 1,
    position: positionOf(record),
    type: record.type,
    data: record.isJson ? textOf(record.data) || 'null' : plainBytes(record.data),
    metadata: metadataText(textOf(record.metadata)),
    recordedAt: toSecond(record.created),
  }
}

export function eventOfParsed(record: ParsedRecord, streamId: string): StoredEvent {
  return {
    id: record.id,
    streamId,
    version: Number(record.revision) + 1,
    position: positionOf(record),
    type: record.type,
    data: parsedData(record),
    metadata: parsedMetadata(record.metadata),
    recordedAt: toSecond(record.created.getTime()),
  }
}

/**
 * The native reader gives whole seconds, a subscription milliseconds; an event must be the same whichever way it came.
 */
function toSecond(milliseconds: number): Date {
  return new Date(Math.floor(milliseconds / 1000) * 1000)
}

function positionOf(record: RawRecord | ParsedRecord) {
  if (!record.position)
    throw new CorruptError(
      `KurrentDB gave no position for event ${record.id} of stream ${record.streamId}; servers before 22.6 are not supported.`,
    )
  return encodePosition(record.position.commit)
}

function parsedData(record: ParsedRecord): Payload {
  if (record.isJson) return JSON.stringify(record.data)
  return plainBytes(record.data as Uint8Array)
}

/** Metadata that is not a JSON object, which only other tools write, has no place in the contract. */
function parsedMetadata(metadata: unknown): string {
  if (typeof metadata !== 'object' || metadata === null) return '{}'
  if (metadata instanceof Uint8Array || Array.isArray(metadata)) return '{}'
  return unwrapped(metadata as Record<string, unknown>) ?? JSON.stringify(metadata)
}

function metadataText(text: string): string {
  if (text === '') return '{}'
  if (!/^\s*\{/.test(text)) return '{}'
  return text.includes(wrappedKey)
    ? (unwrapped(JSON.parse(text) as Record<string, unknown>) ?? text)
    : text
}

/**
 * The server's append to several streams takes only string properties, and adds some of its own; what the adapter wrote
 * that way stands whole in one property.
 */
export const wrappedKey = 'annals-metadata'

function unwrapped(metadata: Record<string, unknown>): string | undefined {
  const text = metadata[wrappedKey]
  return typeof text === 'string' && '$schema.format' in metadata ? text : undefined
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** A copy, free of the buffer that the client received it in. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}
