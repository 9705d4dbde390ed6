import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Item } from './keys.js'

/**
 * An item's size as DynamoDB bills it ("DynamoDB item sizes and formats" in its developer guide): names and strings in
 * UTF-8, three bytes for a list or map and one for each element. A number is counted at its upper bound.
 */
export function itemSize(item: Item): number {
  let size = 0
  for (const [name, value] of Object.entries(item)) size += Buffer.byteLength(name) + sizeOf(value)
  return size
}

export function sizeOf(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S)
  if (value.N !== undefined) return Math.ceil(value.N.length / 2) + 2
  if (value.B !== undefined) return value.B.byteLength
  if (value.L !== undefined) return value.L.reduce((sum, each) => sum + 1 + sizeOf(each), 3)
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + itemSize(value.M)
  return 1
}
