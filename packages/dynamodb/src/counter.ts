import { type Coalescer, coalesce, SchemaMissingError } from '@annals/core'
import { tailKey } from './keys.js'
import type { Requests } from './requests.js'
import { schemaMissing, schemaVersion } from './schema.js'

/** The counter item: the last ticket taken, and a ticket up to which every slot is known to be settled. */
export interface Tail {
  readonly ticket: number
  /** A hint that only grows; readers keep it up to date so that nobody has to look at the whole log. */
  readonly settled: number
}

/**
 * The one item that all writers share. DynamoDB serves 1,000 writes a second to an item; all appends of a process that
 * wait at the same time take their tickets with one of them.
 */
export class Counter {
  readonly #queue: Coalescer<null, number>
  #tail: Tail = { ticket: 0, settled: 0 }

  constructor(
    private readonly requests: Requests,
    background: AbortSignal,
  ) {
    this.#queue = coalesce<null, number>({
      run: async (batch) => {
        const last = await this.#take(batch.length, background)
        return batch.map((_, i) => ({ ok: true, value: last - batch.length + 1 + i }))
      },
      maxItems: 1000,
      maxWeight: Number.POSITIVE_INFINITY,
      weigh: () => 0,
      // A second request may start while the first is on its way, so that nobody waits for two.
      concurrency: 2,
    })
  }

  /** The tail as this process saw it last. */
  get seen(): Tail {
    return this.#tail
  }

  /**
   * A ticket, above every ticket whose append was acknowledged before this call: the request is sent after it, never
   * before, and tickets are never kept for later (ALL-3).
   */
  take(signal: AbortSignal): Promise<number> {
    return this.#queue.add(null, signal)
  }

  async read(signal: AbortSignal): Promise<Tail> {
    const { Item } = await this.requests.get({ Key: tailKey, ConsistentRead: true }, signal)
    if (!Item) throw schemaMissing()
    checkSchema(Item.ver?.N)
    return this.#saw({ ticket: Number(Item.n?.N), settled: Number(Item.r?.N) })
  }

  /** Tells everybody that every slot up to this one is settled. */
  async markSettled(ticket: number, signal: AbortSignal): Promise<void> {
    try {
      await this.requests.update(
        {
          Key: tailKey,
          UpdateExpression: 'SET r = :settled',
          ConditionExpression: 'r < :settled',
          ExpressionAttributeValues: { ':settled': { N: String(ticket) } },
        },
        signal,
      )
    } catch (error) {
      if ((error as Error).name !== 'ConditionalCheckFailedException') throw error
    }
    this.#saw({ ticket: this.#tail.ticket, settled: ticket })
  }

  async #take(count: number, signal: AbortSignal): Promise<number> {
    try {
      const { Attributes } = await this.requests.update(
        {
          Key: tailKey,
          UpdateExpression: 'ADD n :count',
          // Without the item there is no schema: an ADD alone would make one.
          ConditionExpression: 'ver = :ver',
          ExpressionAttributeValues: {
            ':count': { N: String(count) },
            ':ver': { N: String(schemaVersion) },
          },
          ReturnValues: 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
        signal,
      )
      const ticket = Number(Attributes?.n?.N)
      this.#saw({ ticket, settled: Number(Attributes?.r?.N) })
      return ticket
    } catch (error) {
      const { name, Item } = error as { name?: string; Item?: { ver?: { N?: string } } }
      if (name !== 'ConditionalCheckFailedException') throw error
      if (Item) checkSchema(Item.ver?.N)
      throw schemaMissing()
    }
  }

  #saw(tail: Tail): Tail {
    this.#tail = {
      ticket: Math.max(tail.ticket, this.#tail.ticket),
      settled: Math.max(tail.settled, this.#tail.settled),
    }
    return tail
  }
}

function checkSchema(version: string | undefined): void {
  if (Number(version) === schemaVersion) return
  throw new SchemaMissingError(
    `The DynamoDB table has version ${version ?? 'none'} of the schema, and this package needs ${schemaVersion}. Call migrate() with the newer of the two packages.`,
  )
}
