import { CorruptError, type Payload, quote } from '@annals/core'
import { snapshotKey } from './keys.js'
import type { Requests } from './requests.js'

export async function loadSnapshot(
  requests: Requests,
  streamId: string,
  signal: AbortSignal,
): Promise<{ readonly version: number; readonly state: Payload } | null> {
  const { Item } = await requests.get({ Key: snapshotKey(streamId), ConsistentRead: true }, signal)
  if (!Item) return null
  const version = Number(Item.v?.N)
  const state = Item.d?.S ?? Item.d?.B
  if (!Number.isSafeInteger(version) || state === undefined) {
    throw new CorruptError(`The snapshot of stream ${quote(streamId)} cannot be read.`)
  }
  return { version, state }
}

/** Leaves a newer snapshot alone; replaces one of the same version. */
export async function saveSnapshot(
  requests: Requests,
  streamId: string,
  version: number,
  state: Payload,
  signal: AbortSignal,
): Promise<void> {
  try {
    await requests.put(
      {
        Item: {
          ...snapshotKey(streamId),
          v: { N: String(version) },
          d: typeof state === 'string' ? { S: state } : { B: state },
        },
        // Something else than a number is no version, so it is no newer one either.
        ConditionExpression: 'attribute_not_exists(v) OR NOT attribute_type(v, :number) OR v <= :v',
        ExpressionAttributeValues: { ':v': { N: String(version) }, ':number': { S: 'N' } },
      },
      signal,
    )
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') throw error
  }
}

export async function deleteSnapshot(
  requests: Requests,
  streamId: string,
  signal: AbortSignal,
): Promise<void> {
  await requests.delete({ Key: snapshotKey(streamId) }, signal)
}
