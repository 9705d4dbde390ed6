import {
  type AppendRequest,
  type AppendResult,
  CorruptError,
  DuplicateEventIdError,
  isEventStoreError,
  TooLargeError,
  WrongExpectedVersionError,
} from '@annals/core'
import type { CancellationReason, TransactWriteItem } from '@aws-sdk/client-dynamodb'
import { maxTransactionActions } from './capabilities.js'
import type { Counter } from './counter.js'
import type { Head, Heads } from './heads.js'
import { type Item, idKey, recordKey } from './keys.js'
import type { Locks } from './locks.js'
import type { Log } from './log.js'
import { backOff, pause } from './pause.js'
import { positionOf } from './positions.js'
import { readStream } from './read-stream.js'
import { encodeEvent, encodeId, encodeRecord } from './records.js'
import type { Requests } from './requests.js'
import { encodeSlot } from './slots.js'
import { ContentionError, judge, StepError } from './translate-error.js'

/** Rounds of one attempt: each ends because another writer or a reader was faster. */
const maxRounds = 16

/** Rounds that lost to a transaction at work on the same items, before core's budget takes over. */
const maxConflicts = 6

/** Slots that may lie between the settled mark and the tail before a writer sees to it that the mark follows. */
const farBehind = 1024

export interface Writer {
  readonly requests: Requests
  readonly counter: Counter
  readonly log: Log
  readonly heads: Heads
  readonly locks: Locks
}

/** Appends to one or several streams: one ticket, one transaction. */
export async function append(
  writer: Writer,
  requests: readonly AppendRequest[],
  signal: AbortSignal,
): Promise<readonly AppendResult[]> {
  const attempt = new Attempt(writer, requests, signal)
  const streams = requests.map((request) => request.streamId)
  return writer.locks.run(streams, signal, () => attempt.run())
}

/** What is to become of one stream's part: written behind a head, or answered with the first result. */
type Decision =
  | { readonly head: Head; readonly repeat?: undefined }
  | { readonly head?: undefined; readonly repeat: AppendResult }

class Attempt {
  /** Taken and not used up: by a commit, or by a reader who filled it. */
  #ticket: number | undefined
  #inDoubt = false

  constructor(
    private readonly writer: Writer,
    private readonly requests: readonly AppendRequest[],
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<readonly AppendResult[]> {
    try {
      return await this.#rounds()
    } catch (error) {
      if (isEventStoreError(error) || error instanceof StepError) throw error
      // Which step failed is known here, and its error does not tell: before the transaction nothing can be in doubt.
      throw new StepError(error, this.#inDoubt)
    } finally {
      // No reader shall wait for a ticket that will not be used.
      if (this.#ticket !== undefined) this.writer.log.release(this.#ticket)
    }
  }

  async #rounds(): Promise<readonly AppendResult[]> {
    let decisions = await this.#assume()
    let conflicts = 0
    for (let round = 0; round < maxRounds; round++) {
      const results = this.#repeats(decisions)
      if (results) return results
      const heads = decisions.map((decision) => decision.head!)
      const plan = this.#plan(heads, await this.#ticketAbove(heads))
      const outcome = await this.#commit(plan)
      if (outcome === 'committed') return this.#committed(plan)
      if (outcome === 'conflict') {
        if (++conflicts === maxConflicts) break
        await pause(backOff(conflicts, 10, 200), this.signal)
      }
      if (outcome === 'refused') decisions = await this.#examineAll()
    }
    throw new ContentionError(
      `the append to stream ${this.requests[0]!.streamId} gave way to others too often`,
    )
  }

  /** The cheapest view that is safe: the conditions of the transaction show where it is wrong. */
  async #assume(): Promise<readonly Decision[]> {
    const { heads } = this.writer
    const fresh = new Map<AppendRequest, Head>()
    const views = await Promise.all(
      this.requests.map(async (request) => {
        const { streamId, expected } = request
        const known = heads.recall(streamId)
        if (known) return known
        // "Never written" is what the condition on the first record says by itself.
        if (expected === 0) return { version: 0, ticket: 0 }
        const head = await heads.read(streamId, this.signal)
        fresh.set(request, head)
        return head
      }),
    )
    const asExpected = this.requests.every(({ expected }, i) => {
      const { version } = views[i]!
      return expected === 'any' || (expected === 'exists' ? version > 0 : expected === version)
    })
    return asExpected ? views.map((head) => ({ head })) : this.#examineAll(fresh)
  }

  async #examineAll(fresh?: ReadonlyMap<AppendRequest, Head>): Promise<readonly Decision[]> {
    const examined = await Promise.allSettled(
      this.requests.map((request) => this.#examine(request, fresh?.get(request))),
    )
    // Of several refusals the first in the order of the arguments, whichever came first.
    return examined.map((each) => {
      if (each.status === 'rejected') throw each.reason
      return each.value
    })
  }

  /** Looks with strong consistency, and decides between a write, a repeat, a conflict and a known id. */
  async #examine(request: AppendRequest, fresh?: Head): Promise<Decision> {
    const { streamId, expected, events } = request
    if (typeof expected === 'number') {
      const head = fresh ?? (await this.writer.heads.read(streamId, this.signal))
      if (head.version === expected) return { head }
      const repeat = head.version > expected ? await this.#repeat(request, expected + 1) : null
      if (repeat) return { repeat }
      throw new WrongExpectedVersionError(streamId, expected, head.version)
    }
    const id = events[0]!.id
    const { Item } = await this.writer.requests.get(
      { Key: idKey(streamId, id), ConsistentRead: true },
      this.signal,
    )
    if (Item) {
      const repeat = await this.#repeat(request, Number(Item.f?.N))
      if (repeat) return { repeat }
      throw new DuplicateEventIdError(streamId, [id])
    }
    // Read after the id was looked for: an earlier attempt that commits between the two makes the transaction fail.
    const head = await this.writer.heads.read(streamId, this.signal)
    if (expected === 'exists' && head.version === 0) {
      throw new WrongExpectedVersionError(streamId, expected, 0)
    }
    return { head }
  }

  /** The first result, where the append's ids stand in the stream as one run from this version on. */
  async #repeat({ streamId, events }: AppendRequest, from: number): Promise<AppendResult | null> {
    const { requests, heads } = this.writer
    const query = {
      streamId,
      direction: 'forwards' as const,
      fromVersion: from,
      limit: events.length,
      signal: this.signal,
    }
    let next = 0
    for await (const batch of readStream(requests, heads, query)) {
      for (const event of batch) {
        if (event.id !== events[next]?.id) return null
        next++
        if (next === events.length) return { version: event.version, position: event.position }
      }
    }
    return null
  }

  #repeats(decisions: readonly Decision[]): readonly AppendResult[] | null {
    const repeats = decisions.flatMap(({ repeat }) => (repeat ? [repeat] : []))
    if (repeats.length === 0) return null
    if (repeats.length === decisions.length) return repeats
    const repeated = this.requests[decisions.findIndex(({ repeat }) => repeat !== undefined)]!
    throw new DuplicateEventIdError(
      repeated.streamId,
      repeated.events.map((event) => event.id),
    )
  }

  /** A stream's order must be the order of tickets (ALL-2): the ticket must be above the last append's. */
  async #ticketAbove(heads: readonly Head[]): Promise<number> {
    const last = Math.max(...heads.map((head) => head.ticket))
    if (this.#ticket !== undefined && this.#ticket <= last) {
      this.writer.log.release(this.#ticket)
      this.#ticket = undefined
    }
    this.#ticket ??= await this.writer.counter.take(this.signal)
    if (this.#ticket > last) return this.#ticket
    // The head was read before the ticket was taken, so the counter has gone back.
    throw new CorruptError(
      `The counter gave ticket ${this.#ticket}, but stream ${this.requests[0]!.streamId} has one of ${last} already. A table restored to a point in time may hold an older counter: run repairDynamoDbTable() once, before anything else uses it.`,
    )
  }

  #plan(heads: readonly Head[], ticket: number): Plan {
    const at = Date.now()
    const records: Item[] = []
    const ids: Item[] = []
    const parts: Item[] = []
    const results: AppendResult[] = []
    let firstIndex = 1
    const entries = this.requests.map((request, i) => {
      const { streamId, events, expected, bytes } = request
      const count = events.length
      const first = heads[i]!.version + 1
      const last = first + count - 1
      const encoded = events.map(encodeEvent)
      const record = encodeRecord(
        { streamId, first, last, ticket, firstIndex, at, streams: this.requests.length },
        encoded,
      )
      records.push(record.record)
      parts.push(...record.parts)
      if (typeof expected !== 'number') ids.push(encodeId(streamId, events[0]!.id, first, ticket))
      results.push({ version: last, position: positionOf(ticket, firstIndex + count - 1) })
      firstIndex += count
      const types = [...new Set(events.map((event) => event.type))]
      return { streamId, first, count, bytes, parts: record.parts.length, types, events: encoded }
    })
    const slot = encodeSlot(ticket, at, entries)
    const actions = 1 + records.length + ids.length + parts.length
    if (actions > maxTransactionActions) {
      throw new TooLargeError(
        `An append to ${records.length} streams`,
        'actions of one DynamoDB transaction',
        actions,
        maxTransactionActions,
      )
    }
    return { ticket, at, heads, slot, guarded: [...records, ...ids], parts, results }
  }

  /**
   * 'refused': a stream does not end where the plan believes, or an id is known. 'fenced': a reader gave the ticket up.
   * 'conflict': another transaction was at work on the same items.
   */
  async #commit(plan: Plan): Promise<'committed' | 'refused' | 'fenced' | 'conflict'> {
    try {
      await this.writer.requests.transactWrite({ TransactItems: this.#actions(plan) }, this.signal)
      return 'committed'
    } catch (error) {
      const { name, CancellationReasons = [] } = error as {
        name?: string
        CancellationReasons?: CancellationReason[]
      }
      if (name === 'TransactionCanceledException')
        return this.#cancelled(error, CancellationReasons)
      const { outcomeUnknown } = judge(error)
      if (!outcomeUnknown && !this.signal.aborted) throw error
      this.#inDoubt = true
      this.signal.throwIfAborted()
      if (await this.#tookEffect(plan)) return 'committed'
      this.#inDoubt = false
      // It never will; whether to go again is for the caller's budget to say.
      throw new StepError(error, false)
    }
  }

  #actions({ slot, guarded, parts }: Plan): TransactWriteItem[] {
    const { table } = this.writer.requests
    // A part belongs to its record, whose condition guards it.
    return [
      put(table, slot, true),
      ...guarded.map((item) => put(table, item, true)),
      ...parts.map((item) => put(table, item, false)),
    ]
  }

  #cancelled(
    error: unknown,
    [slot, ...others]: readonly CancellationReason[],
  ): 'refused' | 'fenced' | 'conflict' {
    const failed = (reason: CancellationReason) => reason.Code === 'ConditionalCheckFailed'
    const fenced = slot !== undefined && failed(slot)
    // Whatever stands there, this ticket cannot be used any more.
    if (fenced) this.#ticket = undefined
    if (others.some(failed)) return 'refused'
    if (fenced) return 'fenced'
    const codes = [slot, ...others].map((reason) => reason?.Code ?? 'None')
    if (codes.every((code) => code === 'None' || code === 'TransactionConflict')) return 'conflict'
    if (codes.every((code) => code === 'None' || busy.has(code))) {
      throw new ContentionError(`DynamoDB cancelled the transaction: ${codes.join(', ')}`, {
        cause: error,
      })
    }
    throw error
  }

  /**
   * Whether a transaction that had no answer took effect. Where it did not, its ticket is filled, so that it never can:
   * a request that is still on its way finds the slot taken.
   */
  async #tookEffect(plan: Plan): Promise<boolean> {
    const { requests, log } = this.writer
    const { streamId } = this.requests[0]!
    const key = recordKey(streamId, plan.heads[0]!.version + 1)
    let filled: 'filled' | 'taken' | 'busy' = 'busy'
    for (let look = 0; ; look++) {
      // A single item's read is serializable with transactions: it shows the whole transaction or nothing of it.
      const { Item } = await requests.get(
        {
          Key: key,
          ConsistentRead: true,
          ProjectionExpression: 't, #at',
          ExpressionAttributeNames: { '#at': 'at' },
        },
        this.signal,
      )
      if (Item) {
        return Number(Item.t?.N) === plan.ticket && Number(Item.at?.N) === plan.at
      }
      if (filled !== 'busy') {
        this.#ticket = undefined
        return false
      }
      if (look > 0) await pause(backOff(look, 10, 200), this.signal)
      filled = await log.fill(plan.ticket, this.signal)
    }
  }

  #committed({ ticket, results }: Plan): readonly AppendResult[] {
    this.#ticket = undefined
    const { heads, log, counter } = this.writer
    for (const [i, { streamId }] of this.requests.entries()) {
      heads.remember(streamId, { version: results[i]!.version, ticket })
    }
    if (counter.seen.ticket - log.settled > farBehind) log.catchUp()
    return results
  }
}

/** Reasons of a cancellation that pass. */
const busy = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
])

interface Plan {
  readonly ticket: number
  readonly at: number
  readonly heads: readonly Head[]
  readonly slot: Item
  /** Records and ids: each must be absent. */
  readonly guarded: readonly Item[]
  readonly parts: readonly Item[]
  readonly results: readonly AppendResult[]
}

function put(table: string, item: Item, ifAbsent: boolean): TransactWriteItem {
  return {
    Put: {
      TableName: table,
      Item: item,
      ...(ifAbsent && { ConditionExpression: 'attribute_not_exists(PK)' }),
    },
  }
}
