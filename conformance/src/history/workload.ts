import type {
  EventStore,
  ExpectedVersion,
  Filter,
  JsonObject,
  NewEvent,
  Position,
  RecordedEvent,
  StreamAppend,
} from '@annals/core'
import { isEventStoreError } from '@annals/core'
import { consume } from './consumer.js'
import type { Random } from './random.js'
import type { Recorder } from './recorder.js'
import { recordingStore } from './recording-store.js'

/** What all workers of a history know. JSON, because it is sent to other processes. */
export interface WorkloadPlan {
  /** Every stream's id begins with it. */
  readonly prefix: string
  /** The head of the order when the history began; null where the store was empty. */
  readonly base: Position | null
  /** How many streams the workers share. */
  readonly streams: number
  /** The longest pause between two operations of a worker, in milliseconds; 0: none. */
  readonly pauseMs: number
  /** How many subscriptions each worker keeps running. */
  readonly subscriptions: number
  /** How long a subscription may give nothing although there is more, in milliseconds, before that is a finding. */
  readonly stallMs: number
  /** How many names of subscriptions there are: owners of the same one compete for its checkpoint. */
  readonly checkpoints: number
}

export interface Progress {
  operations: number
  /** Events acknowledged, read and delivered. */
  events: number
}

export interface WorkloadOptions {
  readonly store: EventStore
  readonly recorder: Recorder
  readonly plan: WorkloadPlan
  readonly random: Random
  /** Ends the load; what is under way is finished. */
  readonly stop: AbortSignal
  readonly progress?: Progress
  /** Ends the load after so many operations. */
  readonly operations?: number
  /** Whether this worker only appends, e.g. through a handle that is made to fail. */
  readonly appendsOnly?: boolean
}

const categories = ['Order', 'Cart', 'Invoice']
const types = ['Placed', 'Changed', 'Closed']

export function streamNames({ prefix, streams }: WorkloadPlan): string[] {
  return Array.from(
    { length: streams },
    (_, i) => `${prefix}${categories[i % categories.length]}-${Math.floor(i / categories.length)}`,
  )
}

/** Filters with which subscriptions and readers of one history look at it. Few, so that they are worth checking. */
export function filtersOf({ prefix }: WorkloadPlan): (Filter | undefined)[] {
  return [
    undefined,
    { categories: [`${prefix}Order`] },
    { categories: [`${prefix}Order`, `${prefix}Cart`], types: ['Placed', 'Closed'] },
    { streamPrefixes: [`${prefix}Invoice-`, `${prefix}Cart-1`] },
    { types: ['Changed'] },
    { streamPrefixes: [prefix] },
  ]
}

/** Works on a store at random until it is stopped: one worker of a history. Failures are part of the log. */
export async function runWorkload(options: WorkloadOptions): Promise<void> {
  const { recorder, plan, random } = options
  const store = recordingStore(options.store, recorder)
  // The load ends when it is told to, or has done what it was to do.
  const load = new AbortController()
  const end = () => load.abort(new Error('the load has ended'))
  if (options.stop.aborted) end()
  options.stop.addEventListener('abort', end, { once: true })
  const stop = load.signal
  const progress = options.progress ?? { operations: 0, events: 0 }
  const worker = new Worker(store, plan, random.fork(), progress)
  const consumers = Array.from({ length: options.appendsOnly ? 0 : plan.subscriptions }, (_, i) =>
    consume({
      store,
      random: random.fork(),
      name: `${plan.prefix}sub-${i % plan.checkpoints}`,
      filter: filtersOf(plan)[(i % plan.checkpoints) % filtersOf(plan).length],
      base: plan.base,
      stop,
      stallMs: plan.stallMs,
      progress,
      stream: i % 3 === 2 ? random.pick(streamNames(plan)) : undefined,
    }),
  )
  const wanted = options.operations ?? Number.POSITIVE_INFINITY
  try {
    for (let done = 0; done < wanted && !stop.aborted; done++) {
      await worker.step(options.appendsOnly === true).catch(expectedFailure)
      progress.operations++
      if (plan.pauseMs > 0) await pause(random.below(plan.pauseMs + 1), stop)
      // Promises alone would never let timers and sockets of this process have their turn.
      else if (done % 16 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  } finally {
    end()
    options.stop.removeEventListener('abort', end)
    await Promise.all(consumers)
  }
}

/** What the store answers is for the checker. Anything else is a bug of the workload and must not be hidden. */
export function expectedFailure(error: unknown): void {
  if (!isEventStoreError(error)) throw error
  if (error.code === 'INVALID_ARGUMENT') throw error
}

function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds)
    stop.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      stop.removeEventListener('abort', done)
      resolve()
    }
  })
}

interface Attempt {
  readonly streamId: string
  readonly events: readonly NewEvent[]
  readonly expectedVersion: ExpectedVersion
}

/** One worker: what it remembers, and what it does next. */
class Worker {
  readonly #streams: string[]
  readonly #filters: (Filter | undefined)[]
  /** Versions as far as this worker has seen them. */
  readonly #versions = new Map<string, number>()
  /** What it has appended lately, for repeats; those without an answer come first. */
  readonly #attempts: Attempt[] = []
  readonly #open: Attempt[] = []
  /** Positions that it was given. */
  readonly #places: Position[] = []
  #made = 0

  constructor(
    readonly store: EventStore,
    readonly plan: WorkloadPlan,
    readonly random: Random,
    readonly progress: Progress,
  ) {
    this.#streams = streamNames(plan)
    this.#filters = filtersOf(plan)
  }

  async step(appendsOnly: boolean): Promise<void> {
    const { random } = this
    if (this.#open.length > 0 && random.chance(0.5)) return this.#repeat(this.#open.shift()!)
    const kind = random.weighted({
      append: 40,
      repeat: 8,
      several: this.store.capabilities.multiStreamAppend ? 6 : 0,
      readStream: appendsOnly ? 1 : 16,
      readAll: appendsOnly ? 1 : 14,
      small: appendsOnly ? 1 : 6,
      snapshot: appendsOnly ? 0 : 5,
    })
    switch (kind) {
      case 'append':
        return this.#append(this.#attempt(random.pick(this.#streams)))
      case 'repeat':
        if (this.#attempts.length === 0) return
        return this.#repeat(random.pick(this.#attempts))
      case 'several':
        return this.#appendToStreams()
      case 'readStream':
        return this.#readStream()
      case 'readAll':
        return this.#readAll()
      case 'small': {
        if (random.chance(0.5)) {
          await this.store.headPosition()
          return
        }
        const stream = random.pick(this.#streams)
        this.#versions.set(stream, await this.store.streamVersion(stream))
        return
      }
      case 'snapshot':
        return this.#snapshot()
    }
  }

  #attempt(streamId: string): Attempt {
    const { random } = this
    const version = this.#versions.get(streamId) ?? 0
    const expectedVersion: ExpectedVersion = random.chance(0.6)
      ? // Mostly what this worker believes; often stale, because others write too, and at times beyond the end.
        Math.max(0, version + random.pick([0, 0, 0, 0, 0, -1, 1, 3]))
      : random.pick(['any', 'any', 'exists'] as const)
    return { streamId, expectedVersion, events: this.#events(expectedVersion) }
  }

  /** Their metadata says how they were appended, so that any other worker that reads them can repeat it. */
  #events(expectedVersion: ExpectedVersion): NewEvent[] {
    const { random } = this
    const count = random.pick([1, 1, 1, 1, 2, 2, 3, 7])
    const append = random.uuid()
    return Array.from({ length: count }, (_, i) => ({
      id: random.uuid(),
      type: random.pick(types),
      data: this.#data(),
      metadata: { append, i, count, expectedVersion },
    }))
  }

  #data(): JsonObject {
    const { random } = this
    const n = this.#made++
    const more: JsonObject = random.chance(0.05)
      ? { padding: 'x'.repeat(random.below(2000)) }
      : random.pick<JsonObject>([
          {},
          { text: 'ä\u0000 ☃ \ud83d\ude00' },
          { list: [0, null, '', 1e308] },
        ])
    return { n, ...more }
  }

  async #append(attempt: Attempt): Promise<void> {
    const { streamId, events, expectedVersion } = attempt
    this.#remember(attempt)
    try {
      const { version } = await this.store.append(streamId, events, { expectedVersion })
      this.progress.events += events.length
      this.#versions.set(streamId, Math.max(version, this.#versions.get(streamId) ?? 0))
    } catch (error) {
      this.#learn(error)
      if (isUnknown(error)) this.#open.push(attempt)
      throw error
    }
  }

  #remember(attempt: Attempt): void {
    this.#attempts.push(attempt)
    if (this.#attempts.length > 30) this.#attempts.splice(0, 10)
  }

  #learn(error: unknown): void {
    if (isEventStoreError(error, 'WRONG_EXPECTED_VERSION')) {
      this.#versions.set(error.streamId, error.actual)
    }
  }

  /** The same again; at times not quite the same, which must be told apart from a repeat. */
  async #repeat(attempt: Attempt): Promise<void> {
    const { random } = this
    let { events, expectedVersion } = attempt
    if (random.chance(0.25)) {
      const version = this.#versions.get(attempt.streamId) ?? 0
      expectedVersion = random.pick(['any', 'exists', version, version + 1] as const)
    }
    // Where the database does not look at the ids of an append that is as expected, a mixture has no meaning.
    if (this.store.capabilities.uniqueEventIds === 'stream' && random.chance(0.15)) {
      events = random.chance(0.5)
        ? [...events, ...this.#events(expectedVersion)].slice(0, 1000)
        : events.slice(random.below(events.length))
    }
    await this.#append({ streamId: attempt.streamId, events, expectedVersion })
  }

  async #appendToStreams(): Promise<void> {
    const { random } = this
    const [first, ...others] = this.#streams.filter(() => random.chance(0.4))
    if (first === undefined || others.length === 0) return
    const appends: StreamAppend[] = [first, ...others.slice(0, 3)].map((streamId) =>
      this.#attempt(streamId),
    )
    const send = () => this.store.appendToStreams(appends)
    try {
      await send()
    } catch (error) {
      this.#learn(error)
      if (!isUnknown(error)) throw error
      await send()
    }
    if (random.chance(0.2)) await send()
  }

  async #readStream(): Promise<void> {
    const { random } = this
    const streamId = random.pick(this.#streams)
    const version = this.#versions.get(streamId) ?? 0
    const forwards = random.chance(0.6)
    const fromVersion = forwards
      ? random.chance(0.1)
        ? undefined
        : Math.max(1, version - random.below(40))
      : random.chance(0.6)
        ? undefined
        : Math.max(1, version + 1 - random.below(10))
    const limit = !forwards || random.chance(0.3) ? random.between(0, 40) : undefined
    const reader = this.store.readStream(streamId, {
      direction: forwards ? 'forwards' : 'backwards',
      ...(fromVersion === undefined ? {} : { fromVersion }),
      ...(limit === undefined ? {} : { limit }),
    })
    const events = await this.#take(reader)
    const highest = Math.max(0, ...events.map((event) => event.version))
    if (highest > version) this.#versions.set(streamId, highest)
    this.#learnAttempt(events)
  }

  async #readAll(): Promise<void> {
    const { random, plan } = this
    const forwards = random.chance(0.75)
    const recent = this.#places.length > 0 && random.chance(0.9)
    const after = recent ? random.pick(this.#places) : (plan.base ?? undefined)
    const filter = random.chance(0.4) ? random.pick(this.#filters) : undefined
    // Backwards from the end, without a limit, would read what was there before this history.
    const limit = !forwards || !recent || random.chance(0.2) ? random.between(0, 120) : undefined
    const reader = this.store.readAll({
      direction: forwards ? 'forwards' : 'backwards',
      ...((forwards || random.chance(0.5)) && after !== undefined ? { after } : {}),
      ...(limit === undefined ? {} : { limit }),
      ...(filter === undefined ? {} : { filter }),
    })
    const events = await this.#take(reader)
    const last = events.at(forwards ? -1 : 0)
    if (last) this.#places.push(last.position)
    if (this.#places.length > 20) this.#places.splice(0, 12)
    this.#learnAttempt(events)
  }

  /** Reads as applications do: whole, event by event, in batches, or stopped half-way. */
  async #take(reader: ReturnType<EventStore['readAll']>): Promise<RecordedEvent[]> {
    const { random } = this
    const events: RecordedEvent[] = []
    const way = random.weighted({ whole: 5, batches: 3, each: 2, stopped: 1 })
    if (way === 'whole') events.push(...(await reader.toArray()))
    else if (way === 'batches') for await (const batch of reader.batches()) events.push(...batch)
    else {
      const most = way === 'stopped' ? random.between(1, 5) : Number.POSITIVE_INFINITY
      for await (const event of reader) {
        events.push(event)
        if (events.length >= most) break
      }
    }
    this.progress.events += events.length
    return events
  }

  /** Remembers somebody else's append as its own, to repeat it from here. */
  #learnAttempt(events: readonly RecordedEvent[]): void {
    const { random } = this
    if (!random.chance(0.3)) return
    const first = events.findIndex((event) => event.metadata.i === 0)
    const start = events[first]
    // What others than this history wrote is not its own to repeat.
    if (!start?.streamId.startsWith(this.plan.prefix)) return
    const whole = events.slice(first, first + Number(start.metadata.count))
    if (
      whole.some(
        (event, i) => event.metadata.append !== start.metadata.append || event.metadata.i !== i,
      )
    )
      return
    if (whole.length !== start.metadata.count) return
    this.#remember({
      streamId: start.streamId,
      events: whole.map(({ id, type, data, metadata }) => ({ id, type, data, metadata })),
      expectedVersion: start.metadata.expectedVersion as ExpectedVersion,
    })
  }

  async #snapshot(): Promise<void> {
    const { random } = this
    const streamId = random.pick(this.#streams)
    if (random.chance(0.5)) {
      await this.store.snapshots.load(streamId)
      return
    }
    const version = this.#versions.get(streamId) ?? 0
    if (version === 0) return
    const at = Math.max(1, version - random.pick([0, 0, 1, 5]))
    await this.store.snapshots.save({ streamId, version: at, state: { at, by: random.uuid() } })
  }
}

function isUnknown(error: unknown): boolean {
  return isEventStoreError(error, 'UNKNOWN_OUTCOME') || isEventStoreError(error, 'ABORTED')
}
