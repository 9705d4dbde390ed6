import {
  type AppendRequest,
  type AppendResult,
  type Coalescer,
  coalesce,
  DuplicateEventIdError,
  type EventStoreError,
  type ExpectedVersion,
  type Outcome,
  WrongExpectedVersionError,
} from '@annals/core'
import { expectations, outcomes, sqlStates } from './append-functions.js'
import { jsonArray, plainArray, textArray } from './array-literal.js'
import { ContendedStreams } from './contended-streams.js'
import type { Queryable, Statement, Value } from './database.js'
import { encoding, storePayload } from './payloads.js'
import { formatPosition } from './positions.js'
import type { SchemaName } from './schema-name.js'

/** What the server decided. `stale`: nothing was done, and a new transaction may do it. */
export type Decision =
  | { readonly kind: 'done'; readonly result: AppendResult }
  | { readonly kind: 'refused'; readonly error: EventStoreError }
  | { readonly kind: 'stale' }

/** How long a batch waits for a stream that a transaction holds, before its appends go on each by itself. */
const batchPatienceMs = 100

/**
 * Appends of this process. What arrives while a batch is under way makes up the next one: one statement, one commit, an
 * outcome for each. A stream that somebody else's transaction holds for long does not hold up the others: the batch is
 * given up then, and each of its appends waits on a connection of its own.
 */
export class Appender {
  readonly #database: Queryable
  readonly #schema: SchemaName
  readonly #queue: Coalescer<Item, () => Promise<AppendResult>>
  readonly #contended = new ContendedStreams()

  constructor(database: Queryable, schema: SchemaName) {
    this.#database = database
    this.#schema = schema
    this.#queue = coalesce({
      run: (batch) => this.#run(batch),
      // While the server works on one batch and waits for its disk, this process takes in the answers of the other and sends
      // it anew. A third batch gains nothing.
      concurrency: 2,
      divideFrom: 4,
      // Of two transactions that append to one stream the second waits for the first; and where it began earlier, it must
      // be done again.
      key: ({ request }) => request.streamId,
      maxItems: 200,
      maxWeight: 4 * 1024 * 1024,
      weigh: ({ request }) => request.bytes + 200 * request.events.length,
    })
  }

  async append(request: AppendRequest, signal: AbortSignal): Promise<AppendResult> {
    const settle = await this.#queue.add({ request, signal }, signal)
    return settle()
  }

  appendMany(
    requests: readonly AppendRequest[],
    signal: AbortSignal,
  ): Promise<readonly AppendResult[]> {
    return renewing(this.#database, this.#schema, signal, async () =>
      decideTogether(requests, await this.#send(requests, { atomic: true, signal })),
    )
  }

  /** Stands in line for the streams that are contended, and learns which are. */
  async #send(
    requests: readonly AppendRequest[],
    options: SendOptions,
  ): Promise<readonly Decision[]> {
    const queued = inByteOrder(this.#contended.among(requests.map(({ streamId }) => streamId)))
    const decisions = await send(this.#database, this.#schema, requests, { ...options, queued })
    for (const [index, { streamId }] of requests.entries()) {
      if (decisions[index]!.kind === 'stale') this.#contended.add(streamId)
    }
    return decisions
  }

  async #run(batch: readonly Item[]): Promise<Outcome<() => Promise<AppendResult>>[]> {
    const repeats = findRepeats(batch)
    const first = repeats.size === 0 ? batch : batch.filter((item) => !repeats.has(item))
    const outcomes = await this.#runDistinct(first)
    if (repeats.size === 0) return outcomes
    const rest = outcomes.values()
    return batch.map((item) =>
      repeats.has(item) ? { ok: true, value: () => this.#alone(item) } : rest.next().value!,
    )
  }

  async #runDistinct(batch: readonly Item[]): Promise<Outcome<() => Promise<AppendResult>>[]> {
    const { signal, stop } = whenAllAbort(batch.map((item) => item.signal))
    const requests = batch.map(({ request }) => request)
    let decisions: readonly Decision[]
    try {
      decisions = await this.#send(requests, { patienceMs: batchPatienceMs, signal })
    } catch (error) {
      if (!isOfOneAppend(error)) throw error
      return batch.map((item) => ({ ok: true, value: () => this.#alone(item) }))
    } finally {
      stop()
    }
    return batch.map((item, index) => {
      const decision = decisions[index]!
      if (decision.kind === 'refused') return { ok: false, error: decision.error }
      if (decision.kind === 'stale') return { ok: true, value: () => this.#alone(item) }
      return { ok: true, value: () => Promise.resolve(decision.result) }
    })
  }

  async #alone({ request, signal }: Item): Promise<AppendResult> {
    const [result] = await this.appendMany([request], signal)
    return result!
  }
}

interface Item {
  readonly request: AppendRequest
  readonly signal: AbortSignal
}

/**
 * The items that hold an id which an earlier one of the batch holds for the same stream: the same append, sent again before
 * its first answer. One statement cannot find what it is about to write itself, so they wait for its outcome.
 */
function findRepeats(batch: readonly Item[]): ReadonlySet<Item> {
  const repeats = new Set<Item>()
  const idsByStream = new Map<string, Set<string> | Item>()
  for (const item of batch) {
    const { streamId, events } = item.request
    const earlier = idsByStream.get(streamId)
    if (earlier === undefined) {
      idsByStream.set(streamId, item)
      continue
    }
    const ids =
      earlier instanceof Set ? earlier : new Set(earlier.request.events.map(({ id }) => id))
    idsByStream.set(streamId, ids)
    if (events.some(({ id }) => ids.has(id))) repeats.add(item)
    for (const { id } of events) ids.add(id)
  }
  return repeats
}

/** A batch is waited for as long as somebody waits for one of its appends. */
function whenAllAbort(signals: readonly AbortSignal[]): { signal: AbortSignal; stop(): void } {
  if (signals.length === 1) return { signal: signals[0]!, stop: () => {} }
  const controller = new AbortController()
  let waiting = signals.length
  const onAbort = () => {
    if (--waiting === 0) controller.abort(signals[0]!.reason)
  }
  for (const signal of signals) {
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  }
  return {
    signal: controller.signal,
    stop: () => {
      for (const signal of signals) signal.removeEventListener('abort', onAbort)
    },
  }
}

interface SendOptions {
  /** All or none. */
  readonly atomic?: boolean
  /** Through a transaction that is open. */
  readonly joined?: boolean
  /** How long to wait for a lock, in milliseconds. Default: for ever. */
  readonly patienceMs?: number
  /** The streams for which to stand in line first, in the order of all. */
  readonly queued?: readonly string[]
  readonly signal?: AbortSignal
}

/** Sends appends in one statement, in its own transaction or in the one that `database` is. */
export function send(
  database: Queryable,
  schema: SchemaName,
  requests: readonly AppendRequest[],
  options: SendOptions,
): Promise<readonly Decision[]> {
  if (requests.length === 1) return sendOne(database, schema, requests[0]!, options)
  return !options.atomic && areDistinct(requests)
    ? sendDistinct(database, schema, requests, options)
    : sendBatch(database, schema, requests, options)
}

/** Whether each is to a stream of its own, at a version that is known. */
function areDistinct(requests: readonly AppendRequest[]): boolean {
  const streams = new Set<string>()
  for (const { streamId, expected } of requests) {
    if (typeof expected !== 'number') return false
    streams.add(streamId)
  }
  return streams.size === requests.length
}

async function sendOne(
  database: Queryable,
  { sql: s }: SchemaName,
  request: AppendRequest,
  { joined = false, patienceMs = 0, queued = [], signal }: SendOptions,
): Promise<readonly Decision[]> {
  const statement: Statement = {
    text: `select ${s}.append_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    prepared: true,
  }
  const [row] = await database.rows(
    statement,
    [
      joined,
      patienceMs,
      queued.length > 0 ? textArray(queued) : null,
      request.streamId,
      expectedNumber(request.expected),
      ...eventColumns([request]),
    ],
    signal,
  )
  return readAnswer(row![0]!, [request])
}

async function sendDistinct(
  database: Queryable,
  { sql: s }: SchemaName,
  requests: readonly AppendRequest[],
  { joined = false, patienceMs = 0, queued = [], signal }: SendOptions,
): Promise<readonly Decision[]> {
  const statement: Statement = {
    text: `select ${s}.append_distinct($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    prepared: true,
  }
  const places = new Map(requests.map((request, index) => [request.streamId, index]))
  const order = inByteOrder([...places.keys()])
  const sorted = order.map((streamId) => requests[places.get(streamId)!]!)
  const single = sorted.every(({ events }) => events.length === 1)
  const [row] = await database.rows(
    statement,
    [
      joined,
      patienceMs,
      queued.length > 0 ? textArray(queued) : null,
      textArray(order),
      plainArray(sorted.map(({ expected }) => expectedNumber(expected))),
      plainArray(sorted.map(({ events }) => events.length)),
      ...(single ? [null, null] : ownerColumns(sorted)),
      ...eventColumns(sorted),
    ],
    signal,
  )
  const decisions = readAnswer(row![0]!, sorted)
  const inOrderOfRequests = new Array<Decision>(requests.length)
  for (const [index, streamId] of order.entries()) {
    inOrderOfRequests[places.get(streamId)!] = decisions[index]!
  }
  return inOrderOfRequests
}

async function sendBatch(
  database: Queryable,
  { sql: s }: SchemaName,
  requests: readonly AppendRequest[],
  { atomic = false, joined = false, patienceMs = 0, queued = [], signal }: SendOptions,
): Promise<readonly Decision[]> {
  const statement: Statement = {
    text: `select ${s}.append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
    prepared: true,
  }
  // The order of locking must be the same for all: by bytes, as the column's collation has it.
  const streams = inByteOrder([...new Set(requests.map((request) => request.streamId))])
  const slots = new Map(streams.map((streamId, index) => [streamId, index + 1]))
  // The appends to each stream that may be new: it is created at its version at once where there is only one.
  const creatable = new Map<string, number>()
  const several = new Set<string>()
  const named = new Set<string>()
  for (const { streamId, expected, events } of requests) {
    if (named.has(streamId)) several.add(streamId)
    named.add(streamId)
    if (expected === 0 || expected === 'any') creatable.set(streamId, events.length)
  }
  const fresh = streams.filter((streamId) => creatable.has(streamId))
  const firsts = fresh.map((streamId) => (several.has(streamId) ? 0 : creatable.get(streamId)!))
  const [row] = await database.rows(
    statement,
    [
      joined,
      patienceMs,
      queued.length > 0 ? textArray(queued) : null,
      atomic,
      textArray(streams),
      textArray(fresh),
      plainArray(firsts),
      plainArray(requests.map(({ streamId }) => slots.get(streamId)!)),
      plainArray(requests.map(({ expected }) => expectedNumber(expected))),
      plainArray(requests.map(({ events }) => events.length)),
      ...ownerColumns(requests),
      ...eventColumns(requests),
    ],
    signal,
  )
  return readAnswer(row![0]!, requests)
}

/** The outcome of appends that are one: all of them, or the reason against. */
export function decideTogether(
  requests: readonly AppendRequest[],
  decisions: readonly Decision[],
): readonly AppendResult[] {
  const refusals = decisions.flatMap((decision) =>
    decision.kind === 'refused' ? [decision.error] : [],
  )
  const refusal =
    refusals.find(({ code }) => code === 'WRONG_EXPECTED_VERSION') ?? refusals[0] ?? undefined
  if (refusal) throw refusal
  const stale = decisions.findIndex(({ kind }) => kind === 'stale')
  if (stale >= 0) throw new StaleTransactionError(requests[stale]!.streamId)
  return decisions.map((decision) => (decision as Decision & { kind: 'done' }).result)
}

/**
 * The transaction began to write before another that has already appended to the stream, so its events would come before
 * that one's in the global order. Nothing was done; a new transaction comes later.
 */
export class StaleTransactionError extends Error {
  /** serialization_failure */
  readonly code = '40001'
  constructor(readonly streamId: string) {
    super(
      `Stream ${JSON.stringify(streamId)} was written by a transaction that began later than this one.`,
    )
    this.name = 'StaleTransactionError'
  }
}

/** Immediate repetitions, before the store's back-off takes over. */
const maxRenewals = 50

/** Repeats what a new transaction can do better, and starts a new epoch where the tables are a restored copy. */
async function renewing<T>(
  database: Queryable,
  { sql: s }: SchemaName,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let renewals = 0; ; renewals++) {
    try {
      return await work()
    } catch (error) {
      if (renewals === maxRenewals) throw error
      if (codeOf(error) === sqlStates.newEpoch) {
        await database.rows({ text: `select ${s}.start_epoch()` }, [], signal)
      } else if (!(error instanceof StaleTransactionError)) {
        throw error
      }
    }
  }
}

/**
 * A failure that another append of the batch may be the cause of: the batch was certainly not written, and each append
 * gets its own answer by itself.
 */
function isOfOneAppend(error: unknown): boolean {
  const code = codeOf(error)
  return code !== undefined && /^(?:22|23|54)|^(?:55P03|40P01|40001|AN002)$/.test(code)
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

function expectedNumber(expected: ExpectedVersion): number {
  return typeof expected === 'number' ? expected : expectations[expected]
}

/** For each event: its append, and its place in it, both from 1. */
function ownerColumns(requests: readonly AppendRequest[]): Value[] {
  const owners: number[] = []
  const offsets: number[] = []
  for (const [index, { events }] of requests.entries()) {
    for (let i = 1; i <= events.length; i++) {
      owners.push(index + 1)
      offsets.push(i)
    }
  }
  return [plainArray(owners), plainArray(offsets)]
}

/** ids, types, encodings, data, bytes, metadata, metadata bytes. Columns of nulls only are not sent. */
function eventColumns(requests: readonly AppendRequest[]): Value[] {
  const ids: string[] = []
  const types: string[] = []
  const encodings: string[] = []
  const data: (string | null)[] = []
  const bytes: (string | null)[] = []
  const metadata: (string | null)[] = []
  const metadataBytes: (string | null)[] = []
  let someBytes = false
  let someMetadataBytes = false
  for (const { events } of requests) {
    for (const event of events) {
      const stored = storePayload(event.data)
      const about = storePayload(event.metadata)
      ids.push(event.id)
      types.push(event.type)
      encodings.push(stored.encoding)
      data.push(stored.json)
      bytes.push(stored.bytes)
      metadata.push(about.json)
      metadataBytes.push(about.bytes)
      someBytes ||= stored.encoding !== encoding.jsonb
      someMetadataBytes ||= about.encoding !== encoding.jsonb
    }
  }
  return [
    plainArray(ids),
    textArray(types),
    plainArray(encodings),
    jsonArray(data),
    someBytes ? textArray(bytes) : null,
    jsonArray(metadata),
    someMetadataBytes ? textArray(metadataBytes) : null,
  ]
}

function readAnswer(answer: string, requests: readonly AppendRequest[]): readonly Decision[] {
  if (answer.startsWith(`${outcomes.allWritten}:`)) return allWritten(answer, requests)
  return answer.split(',').map((text, index): Decision => {
    const request = requests[index]!
    const [outcome, ...fields] = text.split(':') as [string, ...string[]]
    switch (outcome) {
      case outcomes.written:
      case outcomes.repeated:
        return {
          kind: 'done',
          result: {
            version: Number(fields[0]),
            position: formatPosition(fields[1]!, fields[2]!, fields[3]!),
          },
        }
      case outcomes.conflict:
        return {
          kind: 'refused',
          error: new WrongExpectedVersionError(
            request.streamId,
            request.expected,
            Number(fields[0]),
          ),
        }
      case outcomes.duplicate:
        return { kind: 'refused', error: new DuplicateEventIdError(request.streamId, fields) }
      default:
        return { kind: 'stale' }
    }
  })
}

/** Every append is written behind the version that it expected: the answer says where its events stand in the order. */
function allWritten(answer: string, requests: readonly AppendRequest[]): readonly Decision[] {
  const [, epoch, transaction, ...sequences] = answer.split(':')
  let written = 0
  return requests.map(({ expected, events }): Decision => {
    written += events.length
    return {
      kind: 'done',
      result: {
        version: (expected as number) + events.length,
        position: formatPosition(epoch!, transaction!, sequences[written - 1]!),
      },
    }
  })
}

/** Sorts in place as the server does (collate "C"): by bytes. Up to U+D7FF that is the order of JavaScript's own strings. */
function inByteOrder(streamIds: string[]): string[] {
  return streamIds.some((streamId) => /[\ud800-\uffff]/.test(streamId))
    ? streamIds.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    : streamIds.sort()
}
