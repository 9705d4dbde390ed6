import type { Position } from '@annals/core'
import { checkpointKey, type Item } from './keys.js'
import type { Requests } from './requests.js'

export async function loadCheckpoint(
  requests: Requests,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<Position | null> {
  const { Item } = await requests.get(
    { Key: checkpointKey(subscriptionId), ConsistentRead: true },
    signal,
  )
  return Item?.p?.S ?? null
}

/** One conditional write: null where it was saved, else what is there instead. */
export async function saveCheckpoint(
  requests: Requests,
  subscriptionId: string,
  position: Position,
  expected: Position | null | undefined,
  signal: AbortSignal,
): Promise<null | { readonly actual: Position | null }> {
  try {
    await requests.put(
      {
        Item: { ...checkpointKey(subscriptionId), p: { S: position } },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        ...(expected === null && { ConditionExpression: 'attribute_not_exists(PK)' }),
        ...(typeof expected === 'string' && {
          ConditionExpression: 'p = :expected',
          ExpressionAttributeValues: { ':expected': { S: expected } },
        }),
      },
      signal,
    )
    return null
  } catch (error) {
    const { name, Item } = error as { name?: string; Item?: Item }
    if (name !== 'ConditionalCheckFailedException') throw error
    return { actual: Item?.p?.S ?? null }
  }
}

export async function deleteCheckpoint(
  requests: Requests,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<void> {
  await requests.delete({ Key: checkpointKey(subscriptionId) }, signal)
}
