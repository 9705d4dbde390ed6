import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { padded } from './positions.js'

export type Item = Record<string, AttributeValue>
export type Key = { readonly PK: { readonly S: string }; readonly SK: { readonly S: string } }

/**
 * Tickets whose slots share a partition key. A run is written once, from its first ticket to its last, and never again:
 * at 2 write units a slot that is 128 units for one key, far below the 1,000 units a second of a partition, and the next
 * run hashes elsewhere. A reader gets a run with one query.
 */
export const runLength = 64

export const tailKey: Key = key('meta', 'tail')

export function slotKey(ticket: number): Key {
  return key(runPartition(ticket), slotSort(ticket))
}

export function runPartition(ticket: number): string {
  return `l#${Math.floor(ticket / runLength)}`
}

export function slotSort(ticket: number): string {
  return padded(ticket, 16)
}

export function streamPartition(streamId: string): string {
  return `s#${streamId}`
}

export function recordKey(streamId: string, first: number): Key {
  return key(streamPartition(streamId), recordSort(first))
}

export function recordSort(first: number): string {
  return `v#${padded(first, 16)}`
}

/** Sorts behind every record of a stream and before its other items. */
export const lastRecordSort = 'v$'

export function partKey(streamId: string, first: number, part: number): Key {
  return key(streamPartition(streamId), `p#${padded(first, 16)}#${padded(part, 4)}`)
}

export function idKey(streamId: string, eventId: string): Key {
  return key(streamPartition(streamId), `i#${eventId}`)
}

export function checkpointKey(subscriptionId: string): Key {
  return key(`c#${subscriptionId}`, 'checkpoint')
}

export function snapshotKey(streamId: string): Key {
  return key(`n#${streamId}`, 'snapshot')
}

function key(pk: string, sk: string): Key {
  return { PK: { S: pk }, SK: { S: sk } }
}
