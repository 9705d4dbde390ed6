import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Item, type Key, partKey, recordKey, slotSort, tailKey } from './keys.js'
import { type DynamoDbStoreOptions, isClient, settingsOf } from './options.js'
import { decodeRecord, encodeRecord, type StoredRecord } from './records.js'
import { Requests } from './requests.js'
import { schemaMissing } from './schema.js'
import { decodeSlot, type Entry, encodeSlot, isJunk, junkItem, type Slot } from './slots.js'

export interface RepairReport {
  /** Tickets that were held against their items. */
  readonly tickets: number
  /** Appends of which items were missing, and which are whole now. */
  readonly completed: number
  /** Appends of which too many items were missing, and of which nothing is left. */
  readonly undone: number
  /** What could not be repaired, in words: an append in the middle of a stream of which too much is missing. */
  readonly problems: readonly string[]
}

/** Tickets below the newest that a transaction under way at the moment of the restore may have had. */
const defaultTickets = 100_000

/** What the table holds of one ticket. */
interface Found {
  slot?: Slot
  junk?: boolean
  readonly records: StoredRecord[]
  readonly ids: Key[]
}

/**
 * Makes a table whole that was restored to a point in time: run it once, before any store is opened on the table. It reads
 * the whole table, completes or undoes the appends of which the restore has only a part, fills all other tickets, and
 * sets the counter above everything. Running it again, or on a table that is whole, changes nothing but the settled mark.
 *
 * Must not run while anything else writes to the table.
 */
export async function repairDynamoDbTable(
  options: Pick<DynamoDbStoreOptions, 'table' | 'client'> & {
    /** How many of the newest tickets are looked at. Default: 100,000. */
    readonly tickets?: number | undefined
    readonly signal?: AbortSignal | undefined
  },
): Promise<RepairReport> {
  const { client = {}, tickets = defaultTickets } = options
  const { signal = new AbortController().signal } = options
  const { table, requestTimeoutMs } = settingsOf({ table: options.table })
  const own = !isClient(client)
  const requests = new Requests(
    own ? new DynamoDBClient(client) : client,
    table,
    requestTimeoutMs * 6,
  )
  try {
    return await new Repair(requests, signal).run(tickets)
  } finally {
    if (own) requests.destroy()
  }
}

class Repair {
  readonly #found = new Map<number, Found>()
  readonly #problems: string[] = []
  #completed = 0
  #undone = 0

  constructor(
    private readonly requests: Requests,
    private readonly signal: AbortSignal,
  ) {}

  async run(tickets: number): Promise<RepairReport> {
    const { Item } = await this.requests.get({ Key: tailKey, ConsistentRead: true }, this.signal)
    if (!Item) throw schemaMissing()
    const counted = Number(Item.n?.N)
    const first = Math.max(1, counted - tickets + 1)
    await this.#scan(first)
    let last = counted
    for (const ticket of this.#found.keys()) last = Math.max(last, ticket)
    // The newest first, so that what stands at the end of a stream is undone before what it follows.
    for (let ticket = last; ticket >= first; ticket--) await this.#settle(ticket)
    if (this.#problems.length === 0) await this.#setCounter(last)
    return {
      tickets: last - first + 1,
      completed: this.#completed,
      undone: this.#undone,
      problems: this.#problems,
    }
  }

  async #scan(first: number): Promise<void> {
    let start: Item | undefined
    do {
      const { Items = [], LastEvaluatedKey } = await this.requests.scan(
        {
          ConsistentRead: true,
          // Records and ids say their ticket; a slot's key is its ticket.
          FilterExpression:
            't >= :first OR ((attribute_exists(w) OR attribute_exists(j)) AND SK >= :slot)',
          ExpressionAttributeValues: {
            ':first': { N: String(first) },
            ':slot': { S: slotSort(first) },
          },
          ExclusiveStartKey: start,
        },
        this.signal,
      )
      for (const item of Items) this.#sort(item)
      start = LastEvaluatedKey
    } while (start)
  }

  #sort(item: Item): void {
    const pk = item.PK?.S ?? ''
    const sk = item.SK?.S ?? ''
    if (pk.startsWith('l#')) {
      const slot = decodeSlot(item)
      const found = this.#at(slot.ticket)
      if (isJunk(item)) found.junk = true
      else found.slot = slot
    } else if (sk.startsWith('v#')) {
      const record = decodeRecord(pk.slice(2), item)
      this.#at(record.ticket).records.push(record)
    } else if (sk.startsWith('i#')) {
      this.#at(Number(item.t?.N)).ids.push({ PK: { S: pk }, SK: { S: sk } })
    }
  }

  #at(ticket: number): Found {
    const found = this.#found.get(ticket) ?? { records: [], ids: [] }
    this.#found.set(ticket, found)
    return found
  }

  async #settle(ticket: number): Promise<void> {
    const found = this.#found.get(ticket)
    if (!found) return void (await this.#put(junkItem(ticket)))
    const { slot, junk, records } = found
    const whole = await this.#wholeRecords(records)
    const has = (entry: Entry) =>
      whole.some((record) => record.streamId === entry.streamId && record.first === entry.first)
    if (slot) {
      const missing = slot.entries.filter((entry) => !has(entry))
      if (missing.length === 0) return
      if (missing.every((entry) => entry.events)) return this.#completeRecords(slot, missing)
      return this.#undo(ticket, found)
    }
    const [one] = whole
    if (one && whole.length === records.length && whole.length === one.streams && !junk) {
      return this.#completeSlot(ticket, whole)
    }
    if (records.length > 0 || found.ids.length > 0) return this.#undo(ticket, found)
  }

  /** The records whose parts are all there. */
  async #wholeRecords(records: readonly StoredRecord[]): Promise<StoredRecord[]> {
    const whole: StoredRecord[] = []
    for (const record of records) {
      let events = record.events?.length ?? 0
      for (let part = 0; part < record.parts; part++) {
        const { Item } = await this.requests.get(
          { Key: partKey(record.streamId, record.first, part), ConsistentRead: true },
          this.signal,
        )
        events += Item?.e?.L?.length ?? 0
      }
      if (events === record.last - record.first + 1) whole.push(record)
    }
    return whole
  }

  async #completeRecords(slot: Slot, missing: readonly Entry[]): Promise<void> {
    let firstIndex = 1
    for (const entry of slot.entries) {
      const { streamId, first, count, events } = entry
      if (missing.includes(entry) && events) {
        const last = first + count - 1
        const { ticket, at } = slot
        const streams = slot.entries.length
        await this.#put(
          encodeRecord({ streamId, first, last, ticket, firstIndex, at, streams }, events).record,
        )
      }
      firstIndex += count
    }
    this.#completed++
  }

  async #completeSlot(ticket: number, records: readonly StoredRecord[]): Promise<void> {
    const entries = [...records]
      .sort((a, b) => a.firstIndex - b.firstIndex)
      .map(({ streamId, first, last, events = [], parts }) => ({
        streamId,
        first,
        count: last - first + 1,
        // An upper bound: it only decides how much a reader fetches at once.
        bytes: parts * 400_000,
        parts,
        // Without types a filter looks at the events themselves.
        types: undefined,
        events,
      }))
    const inline = entries.every(({ parts }) => parts === 0)
    await this.#put(encodeSlot(ticket, records[0]!.at, entries, inline))
    this.#completed++
  }

  /** An append that was under way: nothing of it stays. Unless others follow it, which cannot be without it. */
  async #undo(ticket: number, { slot, records, ids }: Found): Promise<void> {
    const named = slot?.entries.map(({ streamId, first, count }) => {
      return { streamId, first, last: first + count - 1 }
    })
    for (const { streamId, first, last } of [...records, ...(named ?? [])]) {
      if (await this.#exists(streamId, last + 1)) {
        this.#problems.push(
          `Versions ${first} to ${last} of stream ${streamId} (ticket ${ticket}) are there in part, and later ones follow them. Restore to an earlier moment.`,
        )
        return
      }
    }
    for (const { streamId, first, parts } of records) {
      for (let part = 0; part < parts; part++) await this.#delete(partKey(streamId, first, part))
      await this.#delete(recordKey(streamId, first))
    }
    for (const key of ids) await this.#delete(key)
    await this.#put(junkItem(ticket))
    this.#undone++
  }

  async #exists(streamId: string, first: number): Promise<boolean> {
    const { Item } = await this.requests.get(
      { Key: recordKey(streamId, first), ConsistentRead: true, ProjectionExpression: 'SK' },
      this.signal,
    )
    return Item !== undefined
  }

  async #put(item: Item): Promise<void> {
    await this.requests.put({ Item: item }, this.signal)
  }

  async #delete(key: Key): Promise<void> {
    await this.requests.delete({ Key: key }, this.signal)
  }

  async #setCounter(ticket: number): Promise<void> {
    await this.requests.update(
      {
        Key: tailKey,
        UpdateExpression: 'SET n = :ticket, r = :ticket',
        ExpressionAttributeValues: { ':ticket': { N: String(ticket) } },
      },
      this.signal,
    )
  }
}
