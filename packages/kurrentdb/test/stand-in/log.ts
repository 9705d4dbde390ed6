/**
 * What the stand-in keeps: one log of records and what follows from it, with the answers that a real server was observed
 * to give (test/observed). It is not KurrentDB: it has no disk, no cluster, no scavenge, no access control.
 */
export interface Proposed {
  readonly id: string
  readonly type: string
  readonly contentType: string
  readonly data: Uint8Array
  readonly metadata: Uint8Array
}

export interface LogRecord extends Proposed {
  readonly position: bigint
  readonly stream: string
  readonly revision: number
  readonly created: number
}

/** A revision, or -1: no stream, -2: any, -4: the stream exists. */
export type Expected = number
export const expectedNoStream = -1
export const expectedAny = -2
export const expectedExists = -4

export type AppendAnswer =
  | { readonly kind: 'ok'; readonly revision: number; readonly position: bigint | null }
  | { readonly kind: 'conflict'; readonly actual: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'too large'; readonly maximum: number }

export type StreamAnswer =
  | { readonly kind: 'records'; readonly records: readonly LogRecord[] }
  | { readonly kind: 'not found' }
  | { readonly kind: 'deleted' }

interface Stream {
  readonly records: LogRecord[]
  /** The revision of the last event, also where it can no longer be read; -1: never written. */
  last: number
  /** Revisions below it are gone. `Infinity`: the stream was deleted, but may be written again. */
  truncateBefore: number
  maxCount: number
  maxAgeMs: number
  tombstoned: boolean
}

/** The real server's: 8 MiB of ids, some 60,000 events. */
const rememberedIds = 60_000

export class Log {
  readonly records: LogRecord[] = []
  readonly #streams = new Map<string, Stream>()
  readonly #ids = new Map<string, number>()
  readonly #listeners = new Set<(record: LogRecord) => void>()
  #position = 0n

  constructor(readonly maxAppendSize: number) {
    // A server writes of itself before anybody else does.
    this.append('$$$scavenges', expectedAny, [metadata({ $maxCount: 1 })])
  }

  /** Where the next record will stand. */
  get head(): bigint {
    return this.#position
  }

  append(name: string, expected: Expected, events: readonly Proposed[]): AppendAnswer {
    const size = events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0)
    if (size > this.maxAppendSize) return { kind: 'too large', maximum: this.maxAppendSize }
    const stream = this.#stream(name)
    if (stream.tombstoned) return { kind: 'deleted' }
    const soft = stream.truncateBefore === Number.POSITIVE_INFINITY
    const verdict = this.#judge(name, stream, soft, expected, events)
    if (verdict !== 'write') return verdict
    if (events.length === 0)
      return { kind: 'ok', revision: Math.max(stream.last, 0), position: this.#position }
    const from = stream.last + 1
    if (soft) this.append(`$$${name}`, expectedAny, [metadata({ $tb: from })])
    const created = Date.now()
    for (const event of events) this.#write(name, stream, event, created)
    return { kind: 'ok', revision: stream.last, position: stream.records.at(-1)?.position ?? null }
  }

  /** Several streams at once: all of them, or none. */
  appendMany(parts: readonly { name: string; expected: Expected; events: readonly Proposed[] }[]):
    | { readonly kind: 'ok'; readonly revisions: readonly number[]; readonly position: bigint }
    | {
        readonly kind: 'refused'
        readonly part: number
        /** Null: it is deleted. */
        readonly actual: number | null
      } {
    const verdicts = parts.map(({ name, expected, events }) => {
      const stream = this.#stream(name)
      const soft = stream.truncateBefore === Number.POSITIVE_INFINITY
      if (stream.tombstoned) return { kind: 'deleted' } as const
      return this.#judge(name, stream, soft, expected, events)
    })
    const repeats = verdicts.filter((verdict) => verdict !== 'write' && verdict.kind === 'ok')
    for (const [part, verdict] of verdicts.entries()) {
      if (verdict === 'write') continue
      if (verdict.kind === 'deleted') return { kind: 'refused', part, actual: null }
      if (verdict.kind === 'conflict') return { kind: 'refused', part, actual: verdict.actual }
      // Known ids beside new ones.
      if (repeats.length < parts.length)
        return { kind: 'refused', part, actual: this.lastRevision(parts[part]!.name) }
    }
    const answers = verdicts.map((verdict, i) => {
      const { name, expected, events } = parts[i]!
      return verdict === 'write' ? this.append(name, expected, events) : verdict
    })
    const revisions = answers.map((answer) => (answer.kind === 'ok' ? answer.revision : -1))
    const last = answers.at(-1)!
    return { kind: 'ok', revisions, position: (last.kind === 'ok' && last.position) || 0n }
  }

  #judge(
    name: string,
    stream: Stream,
    soft: boolean,
    expected: Expected,
    events: readonly Proposed[],
  ): AppendAnswer | 'write' {
    const conflict: AppendAnswer = { kind: 'conflict', actual: stream.last }
    if (expected === expectedExists && (stream.last < 0 || soft))
      return soft ? { kind: 'deleted' } : conflict
    if (expected === expectedAny || expected === expectedExists) {
      const known = events.map(({ id }) => this.#ids.get(`${name} ${id}`))
      if (known[0] === undefined) return 'write'
      if (known.includes(undefined)) return conflict
      return this.#repeated(stream, soft, known.at(-1)!)
    }
    if (expected === stream.last) return 'write'
    if (expected > stream.last) return conflict
    const first = expected + 1
    const same = events.every(({ id }, i) => stream.records[first + i]?.id === id)
    if (same && events.length > 0) return this.#repeated(stream, soft, first + events.length - 1)
    return expected === expectedNoStream && soft ? 'write' : conflict
  }

  /** A repeat's events may be beyond reading by now; then it has no position. */
  #repeated(stream: Stream, soft: boolean, revision: number): AppendAnswer {
    const position = soft ? null : (stream.records[revision]?.position ?? null)
    return { kind: 'ok', revision, position }
  }

  #write(name: string, stream: Stream, event: Proposed, created: number): void {
    const id = event.id.toLowerCase()
    const record: LogRecord = {
      ...event,
      id,
      stream: name,
      revision: ++stream.last,
      position: this.#position,
      created,
    }
    this.#position += BigInt(98 + name.length + event.data.length + event.metadata.length)
    stream.records.push(record)
    this.records.push(record)
    const key = `${name} ${id}`
    // The first one counts: an id that was written twice is found where it was written first.
    if (!this.#ids.has(key)) this.#ids.set(key, record.revision)
    if (this.#ids.size > rememberedIds) this.#ids.delete(this.#ids.keys().next().value!)
    if (name.startsWith('$$') && event.type === '$metadata') this.#describe(name.slice(2), event)
    for (const listener of this.#listeners) listener(record)
  }

  #describe(name: string, event: Proposed): void {
    const stream = this.#stream(name)
    const told = JSON.parse(Buffer.from(event.data).toString('utf8')) as Record<string, unknown>
    const number = (key: string, otherwise: number) =>
      typeof told[key] === 'number' ? (told[key] as number) : otherwise
    const before = number('$tb', 0)
    stream.truncateBefore = before > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : before
    stream.maxCount = number('$maxCount', Number.POSITIVE_INFINITY)
    stream.maxAgeMs = number('$maxAge', Number.POSITIVE_INFINITY) * 1000
  }

  /** Deletes in the way that lets the stream be written again. */
  delete(name: string, expected: Expected): AppendAnswer {
    const stream = this.#stream(name)
    if (stream.tombstoned) return { kind: 'deleted' }
    if (stream.last < 0 || (expected !== expectedAny && expected !== stream.last))
      return { kind: 'conflict', actual: stream.last }
    const position = this.#position
    this.append(`$$${name}`, expectedAny, [metadata({ $tb: Number.MAX_VALUE })])
    return { kind: 'ok', revision: stream.last, position }
  }

  /** Deletes for ever. */
  tombstone(name: string, expected: Expected): AppendAnswer {
    const stream = this.#stream(name)
    if (stream.tombstoned) return { kind: 'deleted' }
    if (expected !== expectedAny && expected !== stream.last)
      return { kind: 'conflict', actual: stream.last }
    stream.tombstoned = true
    const position = this.#position
    this.#write(
      name,
      { ...stream, records: [] },
      { ...metadata({}), type: '$streamDeleted' },
      Date.now(),
    )
    return { kind: 'ok', revision: stream.last, position }
  }

  readStream(
    name: string,
    forwards: boolean,
    /** -1: the end. */
    from: number,
    maxCount: number,
  ): StreamAnswer {
    const stream = this.#streams.get(name)
    if (stream?.tombstoned) return { kind: 'deleted' }
    if (!stream || stream.last < 0 || stream.truncateBefore === Number.POSITIVE_INFINITY)
      return { kind: 'not found' }
    const oldest = Date.now() - stream.maxAgeMs
    const first = Math.max(stream.truncateBefore, stream.last - stream.maxCount + 1, 0)
    const kept = stream.records.filter(
      ({ revision, created }) => revision >= first && created >= oldest,
    )
    if (forwards) {
      const start = from === -1 ? stream.last + 1 : from
      return {
        kind: 'records',
        records: kept.filter((r) => r.revision >= start).slice(0, maxCount),
      }
    }
    const start = from === -1 ? stream.last : from
    const below = kept.filter((r) => r.revision <= start).reverse()
    return { kind: 'records', records: below.slice(0, maxCount) }
  }

  /** The index of the record at this position, or null where none begins there; behind the end: the log's length. */
  indexOf(position: bigint): number | null {
    if (position >= this.#position) return this.records.length
    let [low, high] = [0, this.records.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.records[middle]!.position < position) low = middle + 1
      else high = middle
    }
    return this.records[low]?.position === position ? low : null
  }

  lastRevision(name: string): number {
    return this.#streams.get(name)?.last ?? -1
  }

  isTombstoned(name: string): boolean {
    return this.#streams.get(name)?.tombstoned ?? false
  }

  onRecord(listener: (record: LogRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What a restart forgets: the ids that 'any' and 'exists' are compared with. */
  forgetIds(): void {
    this.#ids.clear()
  }

  #stream(name: string): Stream {
    let stream = this.#streams.get(name)
    if (!stream) {
      stream = {
        records: [],
        last: -1,
        truncateBefore: 0,
        maxCount: Number.POSITIVE_INFINITY,
        maxAgeMs: Number.POSITIVE_INFINITY,
        tombstoned: false,
      }
      this.#streams.set(name, stream)
    }
    return stream
  }
}

function metadata(content: Record<string, number>): Proposed {
  return {
    id: crypto.randomUUID(),
    type: '$metadata',
    contentType: 'application/json',
    data: Buffer.from(JSON.stringify(content)),
    metadata: new Uint8Array(),
  }
}
