import type { Background } from './background.js'
import type { Counter } from './counter.js'
import { type Item, runLength, runPartition, slotKey, slotSort } from './keys.js'
import { pause } from './pause.js'
import type { Requests } from './requests.js'
import { decodeSlot, junkItem, type Slot } from './slots.js'

/** Slots looked at in one step: four runs, asked for in parallel. */
export const windowSlots = 4 * runLength

/** How far the settled mark may lag behind what a reader knows. One write unit for so many appends. */
const markEvery = 256

/** How often a hole is looked at while the grace period runs: soon at first, since most holes are a commit under way. */
const firstLookMs = 5
const slowestLookMs = 50

/**
 * The log of slots, one for each ticket. A slot is settled once it is there: it never changes, whether it holds an append
 * or junk. Readers pass settled slots only, so nothing can come to stand behind them.
 */
export class Log {
  /** Every slot up to this one is settled. */
  #settled = 0
  #marking = false
  #catchingUp = false
  /** When this process first missed a slot, by its own monotonic clock. */
  readonly #missed = new Map<number, number>()

  constructor(
    private readonly requests: Requests,
    private readonly counter: Counter,
    private readonly background: Background,
    private readonly gracePeriodMs: number,
  ) {}

  get settled(): number {
    return Math.max(this.#settled, this.counter.seen.settled)
  }

  /** The slots of these tickets, in order; undefined where there is none yet. */
  async read(from: number, to: number, signal: AbortSignal): Promise<(Slot | undefined)[]> {
    const runs: Promise<(Slot | undefined)[]>[] = []
    for (let start = from; start <= to; ) {
      const end = Math.min(to, (Math.floor(start / runLength) + 1) * runLength - 1)
      runs.push(this.#readRun(start, end, signal))
      start = end + 1
    }
    return (await Promise.all(runs)).flat()
  }

  /**
   * Puts junk where there is no slot, so that this ticket can never commit.
   * 'taken': there is one already. 'busy': a transaction is at work on it.
   */
  async fill(ticket: number, signal: AbortSignal): Promise<'filled' | 'taken' | 'busy'> {
    try {
      await this.requests.put(
        { Item: junkItem(ticket), ConditionExpression: 'attribute_not_exists(PK)' },
        signal,
      )
      return 'filled'
    } catch (error) {
      const { name } = error as Error
      if (name === 'ConditionalCheckFailedException') return 'taken'
      if (name === 'TransactionConflictException') return 'busy'
      throw error
    }
  }

  /** Gives a ticket up in the background. Harmless whatever became of it: junk goes only where nothing is. */
  release(ticket: number): void {
    this.background.run(async (signal) => {
      while ((await this.fill(ticket, signal)) === 'busy') await pause(slowestLookMs, signal)
    })
  }

  /**
   * Waits until a missing slot is settled, and fills it when the grace period has passed.
   * 'end': nothing up to `last` lies behind it, so nobody is held up, and the log ends before it for now.
   */
  async settle(
    ticket: number,
    last: number,
    hasLater: boolean,
    signal: AbortSignal,
  ): Promise<'settled' | 'end'> {
    if (!hasLater && !(await this.#hasLater(ticket, last, signal))) {
      // It holds nobody up, so its writer gets more time; but a dead one must not cost every poll a query for ever.
      const forgotten = this.#missedAt(ticket) + 3 * this.gracePeriodMs < performance.now()
      if (!forgotten || (await this.fill(ticket, signal)) === 'busy') return 'end'
      return this.#found(ticket)
    }
    let lookMs = firstLookMs
    for (;;) {
      const left = this.#missedAt(ticket) + this.gracePeriodMs - performance.now()
      if (left <= 0) {
        if ((await this.fill(ticket, signal)) !== 'busy') return this.#found(ticket)
        await pause(firstLookMs, signal)
        continue
      }
      await pause(Math.min(lookMs, left), signal)
      lookMs = Math.min(lookMs * 2, slowestLookMs)
      const { Item } = await this.requests.get(
        { Key: slotKey(ticket), ConsistentRead: true, ProjectionExpression: 'SK' },
        signal,
      )
      if (Item) return this.#found(ticket)
    }
  }

  /** Settles what lies up to `target`; returns the last ticket that is settled with all before it. */
  async settleUpTo(target: number, last: number, signal: AbortSignal): Promise<number> {
    let from = this.settled + 1
    while (from <= target) {
      const to = Math.min(from + windowSlots - 1, target)
      const slots = await this.read(from, to, signal)
      const hole = slots.indexOf(undefined)
      if (hole === -1) {
        this.know(from, to)
        from = to + 1
        continue
      }
      this.know(from, from + hole - 1)
      from += hole
      const hasLater = slots.slice(hole).some((slot) => slot !== undefined)
      if ((await this.settle(from, last, hasLater, signal)) === 'end') return from - 1
    }
    return target
  }

  /** Settles up to the tail in the background, for a table that is written and not read. */
  catchUp(): void {
    if (this.#catchingUp) return
    this.#catchingUp = true
    this.background.run((signal) =>
      this.settleUpTo(this.counter.seen.ticket, this.counter.seen.ticket, signal).finally(() => {
        this.#catchingUp = false
      }),
    )
  }

  /** Takes note that these slots are settled. */
  know(from: number, to: number): void {
    if (from > this.settled + 1 || to <= this.#settled) return
    this.#settled = to
    this.#mark()
  }

  /** Moves the mark up to what is known, and once more where more became known while it was on its way. */
  #mark(): void {
    if (this.#marking || !this.#markIsBehind()) return
    this.#marking = true
    this.background.run(async (signal) => {
      try {
        while (this.#markIsBehind()) await this.counter.markSettled(this.#settled, signal)
      } finally {
        this.#marking = false
      }
    })
  }

  #markIsBehind(): boolean {
    return this.#settled - this.counter.seen.settled >= markEvery
  }

  async #readRun(from: number, to: number, signal: AbortSignal): Promise<(Slot | undefined)[]> {
    // A slot never changes, so a read that is not strongly consistent gives it as it is or not at all. At half the price
    // it will do for what is settled; whatever it misses is asked for again.
    const settled = to <= this.settled
    const slots = await this.#query(from, to, !settled, signal)
    if (!settled || !slots.includes(undefined)) return slots
    return this.#query(from, to, true, signal)
  }

  async #query(
    from: number,
    to: number,
    consistent: boolean,
    signal: AbortSignal,
  ): Promise<(Slot | undefined)[]> {
    const slots = new Array<Slot | undefined>(to - from + 1).fill(undefined)
    let start: Item | undefined
    do {
      const { Items = [], LastEvaluatedKey } = await this.requests.query(
        {
          KeyConditionExpression: 'PK = :run AND SK BETWEEN :from AND :to',
          ExpressionAttributeValues: {
            ':run': { S: runPartition(from) },
            ':from': { S: slotSort(from) },
            ':to': { S: slotSort(to) },
          },
          ConsistentRead: consistent,
          ExclusiveStartKey: start,
        },
        signal,
      )
      for (const item of Items) {
        const slot = decodeSlot(item)
        slots[slot.ticket - from] = slot
      }
      start = LastEvaluatedKey
    } while (start)
    if (consistent) {
      for (const [i, slot] of slots.entries()) {
        if (slot) this.#missed.delete(from + i)
        else this.#missedAt(from + i)
      }
    }
    return slots
  }

  async #hasLater(ticket: number, last: number, signal: AbortSignal): Promise<boolean> {
    for (let from = ticket + 1; from <= last; from += windowSlots) {
      const slots = await this.read(from, Math.min(from + windowSlots - 1, last), signal)
      if (slots.some((slot) => slot !== undefined)) return true
    }
    return false
  }

  /** When the slot was first missed: now, where it was not before. */
  #missedAt(ticket: number): number {
    let at = this.#missed.get(ticket)
    if (at === undefined) {
      at = performance.now()
      this.#missed.set(ticket, at)
    }
    return at
  }

  #found(ticket: number): 'settled' {
    this.#missed.delete(ticket)
    return 'settled'
  }
}
