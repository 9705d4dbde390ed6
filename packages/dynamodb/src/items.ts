import { CorruptError } from '@annals/core'
import type { Item, Key } from './keys.js'
import { backOff, pause } from './pause.js'
import type { Requests } from './requests.js'

/** Keys of one `BatchGetItem`. */
const maxKeys = 100

/**
 * How often what must be there is looked for. The parts of a transaction become visible to queries and batches one by one
 * ("Isolation levels for DynamoDB transactions" in its developer guide), within moments; some seconds later it is a loss.
 */
const looks = 40
const firstLookMs = 5
const slowestLookMs = 250

/**
 * Fetches write-once items that are known to be committed, in the order of the keys. The first look is at half price: an
 * item that never changes is either given as it is or missed, and what is missed is looked for with strong consistency.
 */
export async function fetchCommitted(
  requests: Requests,
  keys: readonly Key[],
  signal: AbortSignal,
): Promise<readonly Item[]> {
  const found = new Map<string, Item>()
  let missing = [...keys]
  for (let look = 0; missing.length > 0; look++) {
    if (look === looks) throw lost(missing)
    if (look > 1) await pause(backOff(look, firstLookMs, slowestLookMs), signal)
    const groups: Key[][] = []
    for (let i = 0; i < missing.length; i += maxKeys) groups.push(missing.slice(i, i + maxKeys))
    await Promise.all(
      groups.map(async (group) => {
        for (const item of await fetchGroup(requests, group, look > 0, signal)) {
          found.set(nameOf(item as unknown as Key), item)
        }
      }),
    )
    missing = missing.filter((key) => !found.has(nameOf(key)))
  }
  return keys.map((key) => found.get(nameOf(key))!)
}

/** One batch, and what DynamoDB put off of it ("UnprocessedKeys"), after a pause as it advises. */
async function fetchGroup(
  requests: Requests,
  group: readonly Key[],
  consistent: boolean,
  signal: AbortSignal,
): Promise<Item[]> {
  const items: Item[] = []
  let keys: readonly Key[] = group
  for (let attempt = 0; keys.length > 0; attempt++) {
    if (attempt > 0) await pause(backOff(attempt, 20, 1000), signal)
    const answer = await requests.batchGet(keys, consistent, signal)
    items.push(...answer.items)
    // A batch is also cut at 16 MB; then it has given something, and there is nothing to wait for.
    if (answer.items.length > 0) attempt = 0
    keys = answer.unprocessed as unknown as readonly Key[]
  }
  return items
}

function nameOf({ PK, SK }: Key): string {
  return `${PK.S}\n${SK.S}`
}

function lost(missing: readonly Key[]): CorruptError {
  const names = missing.slice(0, 3).map(({ PK, SK }) => `${PK.S} / ${SK.S}`)
  return new CorruptError(
    `The log names ${missing.length} item(s) that are not in the table, e.g. ${names.join(', ')}. A table restored to a point in time may hold a part of its last transactions: run repairDynamoDbTable() once, before anything else uses it.`,
  )
}
