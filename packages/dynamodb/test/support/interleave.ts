import type { EventStore } from '@annals/core'
import { isEventStoreError } from '@annals/core'
import type { DynamoDbStoreOptions } from '@annals/dynamodb'
import type { DynamoDbServer } from '@annals/test-servers'
import { DeleteTableCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import type fc from 'fast-check'
import { stale } from './stale.js'
import { clientOf, connectionLost, Wire } from './wire.js'

export type StoreFactory = (options: DynamoDbStoreOptions) => EventStore

/** What one append did, as its caller saw it. The clock counts steps of the schedule. */
interface AppendSeen {
  readonly streamId: string
  readonly ids: readonly string[]
  readonly began: number
  ended?: number
  outcome:
    | 'pending'
    | 'unknown'
    | { readonly refused: number | undefined }
    | { readonly version: number; readonly position: string }
}

/** What one reader of all was given, over all its reads. */
interface ReadSeen {
  readonly ids: string[]
  /** Where it began. */
  from: string
  /** How far it has read. */
  upTo: string | undefined
}

interface ActorOptions {
  readonly gracePeriodMs?: number
  readonly retryBudgetMs?: number
}

let tables = 0

/**
 * A world of several stores on one table, in which every request waits until the schedule lets it go, one at a time. So a
 * schedule is an order of requests: fast-check picks it, shrinks it and replays it.
 */
export class World {
  readonly table = `world-${process.pid}-${++tables}`
  readonly appends: AppendSeen[] = []
  readonly reads: ReadSeen[] = []
  /** What stood below a position when a reader was given it. */
  readonly given: { readonly position: string; readonly below: string }[] = []
  readonly #actors: Actor[] = []
  #inFlight = 0
  clock = 0

  constructor(
    readonly server: DynamoDbServer,
    readonly factory: StoreFactory,
    readonly scheduler: fc.Scheduler,
  ) {}

  /** A process with a store of its own. Readers fill holes at once: the most hostile value, and no time passes. */
  actor(name: string, options: ActorOptions = {}): Actor {
    const actor = new Actor(this, name, options)
    this.#actors.push(actor)
    return actor
  }

  /** Runs what the actors do, in the order that the scheduler picks. */
  async run(): Promise<void> {
    const wire = new Wire()
    wire.rule((call, send) => stale(call, send))
    const admin = clientOf(this.server, wire)
    const maker = this.factory({ table: this.table, client: admin })
    await maker.migrate()
    for (const actor of this.#actors) actor.start()
    for (;;) {
      await until(() => this.#inFlight === 0 && this.#actors.every((actor) => actor.waits))
      if (this.#actors.every((actor) => actor.done) && this.scheduler.count() === 0) break
      this.clock++
      await this.scheduler.waitNext(1)
    }
    try {
      for (const actor of this.#actors) if (actor.error) throw actor.error
      await this.#check(maker)
    } finally {
      for (const actor of this.#actors) actor.openGate()
      await Promise.all(this.#actors.map((actor) => actor.close()))
      await maker.close()
      await admin.send(new DeleteTableCommand({ TableName: this.table }))
      admin.destroy()
    }
  }

  /** `actor`: who waits for it; null where nobody does. */
  async pass(actor: Actor | null, label: string, send: () => Promise<unknown>): Promise<unknown> {
    if (actor) actor.held++
    await this.scheduler.schedule(Promise.resolve(), label)
    if (actor) actor.held--
    this.#inFlight++
    try {
      return await send()
    } finally {
      this.#inFlight--
    }
  }

  /** Takes down, past the schedule, what is committed below a position that a reader was given. */
  async witness(position: string): Promise<void> {
    this.given.push({ position, below: await this.#committedBelow(position) })
  }

  async #committedBelow(position: string): Promise<string> {
    const admin = clientOf(this.server)
    const { Items = [] } = await admin.send(
      new ScanCommand({
        TableName: this.table,
        ConsistentRead: true,
        FilterExpression: 'attribute_exists(w) AND SK < :ticket',
        ExpressionAttributeValues: { ':ticket': { S: position.slice(5, 21) } },
      }),
    )
    admin.destroy()
    return Items.map((item) => item.SK?.S)
      .sort()
      .join()
  }

  /** The contract, on everything that was seen. */
  async #check(store: EventStore): Promise<void> {
    const order = await store.readAll().toArray()
    const problems: string[] = []
    const place = new Map(order.map((event, i) => [event.id, i]))
    if (place.size !== order.length) problems.push('an event is twice in the order (IDEM-4)')

    const byStream = new Map<string, typeof order>()
    for (const event of order) {
      byStream.set(event.streamId, [...(byStream.get(event.streamId) ?? []), event])
    }
    for (const streamId of new Set(this.appends.map((append) => append.streamId))) {
      const inOrder = byStream.get(streamId) ?? []
      if (inOrder.some((event, i) => event.version !== i + 1)) {
        problems.push(`${streamId} is not in the order of its versions (ALL-2, APPEND-4)`)
      }
      const inStream = await store.readStream(streamId).toArray()
      if (inStream.map((e) => e.id).join() !== inOrder.map((e) => e.id).join()) {
        problems.push(`the order does not hold ${streamId} as the stream does (ALL-5)`)
      }
    }
    for (const { ids, outcome } of this.appends) {
      const places = ids.map((id) => place.get(id))
      const there = places.filter((at) => at !== undefined)
      if (typeof outcome === 'object' && 'refused' in outcome && there.length > 0) {
        problems.push('refused, yet there (APPEND-3)')
      }
      if (there.length > 0 && places.some((at, i) => at !== places[0]! + i)) {
        problems.push('an append is not adjacent in the order (APPEND-2)')
      }
      if (typeof outcome === 'object' && 'version' in outcome) {
        const last = order[places.at(-1) ?? -1]
        if (!last) problems.push('acknowledged, yet not there (APPEND-1)')
        else if (last.position !== outcome.position || last.version !== outcome.version) {
          problems.push('the result is not where the events are (APPEND-5)')
        }
      }
    }
    for (const a of this.appends) {
      for (const b of this.appends) {
        if (typeof a.outcome !== 'object' || !('version' in a.outcome)) continue
        if (a.ended! >= b.began || typeof b.outcome !== 'object') continue
        if ('refused' in b.outcome) {
          const { refused } = b.outcome
          if (a.streamId === b.streamId && refused !== undefined && refused < a.outcome.version) {
            problems.push('a conflict names a version that was passed before it began (EXPECT-4)')
          }
          continue
        }
        const same = a.ids[0] === b.ids[0]
        if (!same && a.outcome.position > b.outcome.position) {
          problems.push('acknowledged before the other began, yet behind it (ALL-3)')
        }
      }
    }
    for (const { ids, from, upTo } of this.reads) {
      const given = order.filter(
        ({ position }) => upTo !== undefined && position > from && position <= upTo,
      )
      if (given.map((event) => event.id).join() !== ids.join()) {
        problems.push('a reader was not given what stands in the order now (ALL-1, ALL-4)')
      }
    }
    for (const { position, below } of this.given) {
      if ((await this.#committedBelow(position)) !== below) {
        problems.push('an event came to stand below a position that a reader had (ALL-4)')
      }
    }
    if (problems.length > 0) throw new Error([...new Set(problems)].join('; '))
  }
}

/**
 * What happens to a request: its process dies before it is sent; the connection breaks before or after the server has
 * it; or the caller learns that the connection broke, and the request arrives later all the same.
 */
type Fault = 'dies' | 'lostBefore' | 'lostAfter' | 'arrivesLate'

export class Actor {
  held = 0
  done = false
  error: unknown
  readonly #wire = new Wire()
  readonly #client
  readonly #store: EventStore
  readonly #steps: (() => Promise<void>)[] = []
  #lastPosition = ''
  #dead = false
  #gate = true
  #sent = new Map<string, number>()
  #fault: { operation: string; nth: number; kind: Fault } | undefined

  constructor(
    private readonly world: World,
    readonly name: string,
    { gracePeriodMs = 0, retryBudgetMs = 60_000 }: ActorOptions,
  ) {
    this.#client = clientOf(world.server, this.#wire)
    this.#store = world.factory({
      table: world.table,
      client: this.#client,
      gracePeriodMs,
      retryBudgetMs,
    })
    this.#wire.rule((call, send) => this.#pass(call.operation, () => stale(call, send)))
  }

  /** Whether nothing will happen before the schedule goes on. */
  get waits(): boolean {
    return this.done || this.#dead || this.held > 0
  }

  /** Something goes wrong at the nth request of that kind, from 1. */
  fault(kind: Fault, operation: string, nth = 1): this {
    this.#fault = { kind, operation, nth }
    return this
  }

  append(
    streamId: string,
    ids: readonly string[],
    expectedVersion: number | 'any' | 'exists',
    size = 10,
  ): this {
    this.#steps.push(async () => {
      const seen: AppendSeen = {
        streamId,
        ids,
        began: this.world.clock,
        outcome: 'pending',
      }
      this.world.appends.push(seen)
      const events = ids.map((id) => ({ type: 'Happened', id, data: { by: 'x'.repeat(size) } }))
      try {
        const result = await this.#store.append(streamId, events, { expectedVersion })
        seen.outcome = result
        this.#lastPosition = result.position
      } catch (error) {
        const refused = isEventStoreError(error) && saysNothingWritten.has(error.code)
        if (!refused && !this.#dead) throw error
        const actual = isEventStoreError(error, 'WRONG_EXPECTED_VERSION') ? error.actual : undefined
        seen.outcome = refused && !this.#dead ? { refused: actual } : 'unknown'
      }
      seen.ended = this.world.clock
    })
    return this
  }

  /** Reads all, so many times, each time behind what it has; from the start, or from where its last append ended. */
  readAll(times: number, limit?: number, from: 'start' | 'lastAppend' = 'start'): this {
    const seen: ReadSeen = { ids: [], from: '', upTo: undefined }
    this.world.reads.push(seen)
    for (let i = 0; i < times; i++) {
      this.#steps.push(async () => {
        if (from === 'lastAppend' && i === 0) seen.from = this.#lastPosition
        const after = seen.upTo ?? (seen.from || undefined)
        for await (const event of this.#store.readAll({ after, limit })) {
          seen.ids.push(event.id)
          seen.upTo = event.position
          await this.world.witness(event.position)
        }
      })
    }
    return this
  }

  /** Asks for the head, which is as good as an event there. */
  head(): this {
    this.#steps.push(async () => {
      const position = await this.#store.headPosition()
      if (position) await this.world.witness(position)
    })
    return this
  }

  /** Reads all backwards, once. */
  readBackwards(): this {
    this.#steps.push(async () => {
      for await (const event of this.#store.readAll({ direction: 'backwards' })) {
        await this.world.witness(event.position)
      }
    })
    return this
  }

  start(): void {
    void (async () => {
      try {
        for (const step of this.#steps) if (!this.#dead) await step()
      } catch (error) {
        this.error = error
      } finally {
        this.done = true
      }
    })()
  }

  /** What is still on its way, in the background, goes through. */
  openGate(): void {
    this.#gate = false
  }

  async close(): Promise<void> {
    await this.#store.close()
    this.#client.destroy()
  }

  async #pass(operation: string, send: () => Promise<unknown>): Promise<unknown> {
    if (this.#dead) return this.#never()
    if (!this.#gate) return send()
    const nth = (this.#sent.get(operation) ?? 0) + 1
    this.#sent.set(operation, nth)
    const fault = this.#fault
    const strikes = fault?.operation === operation && fault.nth === nth ? fault.kind : undefined
    return this.world.pass(this, `${this.name} ${operation} ${nth} ${strikes ?? ''}`, async () => {
      if (strikes === 'dies') {
        this.#dead = true
        this.done = true
        return this.#never()
      }
      if (strikes === 'lostBefore') throw connectionLost()
      if (strikes === 'arrivesLate') {
        void this.world.pass(null, `${this.name} ${operation} ${nth} arrives`, send).catch(() => {})
        throw connectionLost()
      }
      const answer = await send()
      if (strikes === 'lostAfter') throw connectionLost()
      return answer
    })
  }

  /** A process that died gets no answer; only its store's close lets go of it. */
  #never(): Promise<never> {
    throw Object.assign(new Error('the process is dead'), { name: 'AccessDeniedException' })
  }
}

/** Errors that promise that nothing was written. */
const saysNothingWritten = new Set(['WRONG_EXPECTED_VERSION', 'DUPLICATE_EVENT_ID', 'UNAVAILABLE'])

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
