import { lastRecordSort, recordSort, streamPartition } from './keys.js'
import { decodeRecord } from './records.js'
import type { Requests } from './requests.js'

/** Where a stream ends: its version and its last append's ticket. Both 0 where it was never written. */
export interface Head {
  readonly version: number
  readonly ticket: number
}

const remembered = 10_000

/**
 * The ends of streams. There is no item for a stream's head: an append is written under its first version on the condition
 * that nothing is there, and holds if and only if the stream still ends where the writer believes. So a remembered head
 * may be old: the append then fails on its condition and looks again.
 */
export class Heads {
  readonly #known = new Map<string, Head>()

  constructor(private readonly requests: Requests) {}

  recall(streamId: string): Head | undefined {
    return this.#known.get(streamId)
  }

  /** Remembers an end that was seen; a stream only grows. */
  remember(streamId: string, head: Head): void {
    const known = this.#known.get(streamId)
    if (known && known.version > head.version) return
    this.#known.delete(streamId)
    if (head.version === 0) return
    this.#known.set(streamId, head)
    if (this.#known.size > remembered) this.#known.delete(this.#known.keys().next().value!)
  }

  /** The true end, strongly consistent. */
  async read(streamId: string, signal: AbortSignal): Promise<Head> {
    const { Items } = await this.requests.query(
      {
        KeyConditionExpression: 'PK = :stream AND SK BETWEEN :first AND :last',
        ExpressionAttributeValues: {
          ':stream': { S: streamPartition(streamId) },
          ':first': { S: recordSort(1) },
          ':last': { S: lastRecordSort },
        },
        ConsistentRead: true,
        ScanIndexForward: false,
        Limit: 1,
      },
      signal,
    )
    const item = Items?.[0]
    if (!item) return { version: 0, ticket: 0 }
    const { last, ticket } = decodeRecord(streamId, item)
    const head = { version: last, ticket }
    this.remember(streamId, head)
    return head
  }
}
