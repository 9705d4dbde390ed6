import { tailKey } from '../../src/keys.js'
import type { Call, Send } from './wire.js'

/**
 * The worst that a read without strong consistency may give: nothing that was ever written. DynamoDB Local answers every
 * read with the newest, and so would hide a protocol that trusts one of these.
 */
export async function stale({ operation, input }: Call, send: Send): ReturnType<Send> {
  const answer = await send()
  if (operation === 'GetItem' && !input.ConsistentRead) {
    const isTail = input.Key.PK.S === tailKey.PK.S
    const old = isTail && { ...answer.Item, n: { N: '0' }, r: { N: '0' } }
    return { ...answer, Item: old || undefined }
  }
  if (operation === 'Query' && !input.ConsistentRead) {
    return { ...answer, Items: [], Count: 0, LastEvaluatedKey: undefined }
  }
  if (operation === 'BatchGetItem') {
    const asked = Object.values<{ ConsistentRead?: boolean }>(input.RequestItems)
    if (!asked[0]?.ConsistentRead) return { ...answer, Responses: {}, UnprocessedKeys: {} }
  }
  return answer
}
