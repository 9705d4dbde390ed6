import type { Capabilities, Filter } from '@annals/core'
import { matchesFilter } from '@annals/core'
import type {
  AppendPart,
  AskedEvent,
  GotLine,
  HistoryHeader,
  HistoryLine,
  Request,
  ReturnLine,
  SeenEvent,
} from '../../src/history/format.js'
import { Random } from '../../src/history/random.js'

export interface SimulationOptions {
  readonly seed: number
  /** Operations that are begun, without those at the end. Default: 60. */
  readonly operations?: number
  readonly processes?: number
  readonly streams?: number
  /** How often answers are lost, and processes die. Default: 0.08. */
  readonly loss?: number
  readonly capabilities?: Capabilities
}

export const strong: Capabilities = {
  multiStreamAppend: true,
  idempotentAny: 'always',
  uniqueEventIds: 'stream',
  persistence: 'durable',
}

export const weak: Capabilities = {
  multiStreamAppend: true,
  idempotentAny: 'bestEffort',
  uniqueEventIds: 'none',
  persistence: 'durable',
}

interface Stored {
  readonly stream: string
  readonly version: number
  readonly position: string
  readonly asked: AskedEvent
}

type Answer = Omit<ReturnLine, 't' | 'op' | 'at'>

/** An operation under way. */
interface Running {
  readonly op: string
  readonly request: Request
  /** Steps left before the answer; each does a part of the work. */
  readonly work: (() => void)[]
  answer: Answer
  readonly subscription?: Subscription
}

interface Subscription {
  readonly filter: Filter | null
  stream: string | undefined
  /** Events of the log (or of the stream) looked at so far; undefined until it began, from the end. */
  looked: number | undefined
}

/**
 * A history of a store that keeps the contract, made up: processes call, the store does each thing at some moment
 * before the answer, answers get lost, processes die, and what they had begun happens later or never. Readers of all
 * see as little as the contract allows while appends are in flight.
 */
export function simulateHistory(options: SimulationOptions): {
  header: HistoryHeader
  lines: HistoryLine[]
} {
  const simulation = new Simulation(options)
  return { header: simulation.header, lines: simulation.run() }
}

class Simulation {
  readonly header: HistoryHeader
  readonly #random: Random
  readonly #lines: HistoryLine[] = []
  readonly #capabilities: Capabilities
  readonly #loss: number
  readonly #operations: number
  readonly #streams: string[]
  readonly #running = new Map<string, Running | undefined>()
  readonly #log: Stored[] = []
  readonly #byStream = new Map<string, Stored[]>()
  /** Where appends end, as counts of the log. */
  readonly #ends = [0]
  /** Appends whose effect may still come, though nobody waits for it. */
  #zombies: (() => void)[] = []
  #inFlight = 0
  /** So much of the log is fixed for readers of all: it held this when nothing was in flight. */
  #settled = 0
  readonly #checkpoints = new Map<string, string | null>()
  readonly #snapshots = new Map<string, [number, string]>()
  readonly #made: { part: AppendPart }[] = []
  readonly #places: string[] = []
  readonly #resume: { request: Request & { do: 'subscribeToAll' } }[] = []
  #time = 1000
  #count = 0
  #names = 0
  #number = 0

  constructor(options: SimulationOptions) {
    this.#random = new Random(options.seed)
    this.#capabilities = options.capabilities ?? strong
    this.#loss = options.loss ?? 0.08
    this.#operations = options.operations ?? 60
    const categories = ['Order', 'Cart', 'Bill']
    this.#streams = Array.from(
      { length: options.streams ?? 3 },
      (_, i) => `${categories[i % 3]}-${i}`,
    )
    for (let i = 0; i < (options.processes ?? 4); i++)
      this.#running.set(`p${this.#names++}`, undefined)
    this.header = {
      annals: 'history',
      version: 1,
      store: 'simulated',
      capabilities: this.#capabilities,
      seed: options.seed,
    }
  }

  run(): HistoryLine[] {
    while (this.#count < this.#operations) this.#step()
    for (const [process, running] of this.#running) if (running) this.#finish(process, running)
    for (const zombie of this.#zombies) if (this.#random.chance(0.5)) zombie()
    this.#zombies = []
    this.#settled = this.#log.length
    this.#tick()
    this.#tick()
    this.#tick()
    this.#lines.push({ t: 'quiet', at: this.#up() })
    this.#tick()
    this.#tick()
    this.#atTheEnd({ do: 'readAll', direction: 'forwards' })
    this.#atTheEnd({ do: 'readAll', direction: 'backwards' })
    for (const stream of this.#streams) {
      this.#atTheEnd({ do: 'readStream', stream, direction: 'forwards' })
    }
    // As a merge of the processes' own logs does.
    return this.#lines.sort((a, b) => a.at - b.at)
  }

  #atTheEnd(request: Request): void {
    const running = this.#begin('end', request)
    this.#finish('end', running)
    this.#tick()
    this.#tick()
  }

  #tick(): void {
    this.#time += this.#random.pick([0, 0.3, 0.8, 1.7])
  }

  /** As a recorder writes the time of a call, and of anything else. */
  #down(): number {
    return Math.floor(this.#time)
  }
  #up(): number {
    return Math.floor(this.#time) + 1
  }

  #step(): void {
    const random = this.#random
    this.#tick()
    if (this.#zombies.length > 0 && random.chance(0.1)) {
      const [zombie] = this.#zombies.splice(random.below(this.#zombies.length), 1)
      if (random.chance(0.6)) zombie?.()
      this.#ended()
      return
    }
    const process = random.pick([...this.#running.keys()])
    const running = this.#running.get(process)
    if (!running) {
      this.#begin(process, this.#request())
    } else if (random.chance(this.#loss / 4)) {
      this.#die(process, running)
    } else if (running.subscription && random.chance(0.85)) {
      this.#deliver(running, running.subscription)
    } else if (running.work.length > 0 && random.chance(this.#loss) && isAppend(running.request)) {
      this.#loseAnswer(process, running)
    } else if (running.work.length > 0) {
      running.work.shift()?.()
    } else {
      this.#return(process, running)
    }
  }

  #begin(process: string, request: Request): Running {
    const op = `${process}:${this.#number++}`
    this.#count++
    this.#lines.push({ t: 'call', op, process, at: this.#down(), ...request })
    const running = this.#plan(op, request)
    this.#running.set(process, running)
    if (isAppend(request)) this.#inFlight++
    return running
  }

  #finish(process: string, running: Running): void {
    while (running.work.length > 0) {
      running.work.shift()?.()
      this.#tick()
    }
    this.#return(process, running)
  }

  #return(process: string, running: Running): void {
    this.#lines.push({ t: 'return', op: running.op, at: this.#up(), ...running.answer })
    this.#running.set(process, undefined)
    if (isAppend(running.request)) {
      this.#inFlight--
      this.#ended()
    }
  }

  #ended(): void {
    if (this.#inFlight === 0 && this.#zombies.length === 0) this.#settled = this.#log.length
  }

  #loseAnswer(process: string, running: Running): void {
    const effect = () => running.work.shift()?.()
    if (this.#random.chance(0.5)) effect()
    else this.#zombies.push(effect)
    const code = this.#random.pick(['UNKNOWN_OUTCOME', 'ABORTED'] as const)
    this.#running.set(process, undefined)
    this.#inFlight--
    this.#lines.push({ t: 'return', op: running.op, at: this.#up(), outcome: 'unknown', code })
  }

  #die(process: string, running: Running): void {
    if (isAppend(running.request)) {
      this.#inFlight--
      if (running.work.length > 0) this.#zombies.push(() => running.work.shift()?.())
    } else if (running.work.length > 0 && this.#random.chance(0.5)) running.work.shift()?.()
    if (this.#random.chance(0.7)) this.#lines.push({ t: 'died', process, at: this.#up() })
    this.#running.delete(process)
    this.#running.set(`p${this.#names++}`, undefined)
    this.#ended()
  }

  // What processes ask for.

  #request(): Request {
    const random = this.#random
    const stream = random.pick(this.#streams)
    const version = this.#byStream.get(stream)?.length ?? 0
    const limit = random.chance(0.4) ? { limit: random.between(0, 4) } : {}
    const after = this.#place()
    switch (
      random.weighted({
        append: 30,
        repeat: 9,
        several: 5,
        readStream: 14,
        readAll: 16,
        subscribe: 6,
        subscribeStream: 3,
        small: 6,
        checkpoint: 9,
        snapshot: 5,
      })
    ) {
      case 'append':
        return { do: 'append', ...this.#part(stream) }
      case 'repeat': {
        if (this.#made.length === 0) return { do: 'append', ...this.#part(stream) }
        const { part } = random.pick(this.#made.slice(-12))
        if (random.chance(0.7)) return { do: 'append', ...part }
        const expected = random.pick(['any', 'exists', version, part.expected] as const)
        // The same ids otherwise: another expectation, a part of them, or mixed with new ones.
        const events = random.chance(0.6)
          ? part.events
          : random.chance(0.5)
            ? part.events.slice(0, 1)
            : [...part.events.slice(0, 1), this.#event()]
        return { do: 'append', stream: part.stream, expected, events }
      }
      case 'several': {
        const streams = this.#streams.filter(() => random.chance(0.6))
        if (streams.length < 2) return { do: 'append', ...this.#part(stream) }
        return { do: 'appendToStreams', appends: streams.map((name) => this.#part(name)) }
      }
      case 'readStream': {
        const direction = random.pick(['forwards', 'backwards'] as const)
        const from = random.chance(0.5) ? { from: random.between(1, version + 2) } : {}
        return { do: 'readStream', stream, direction, ...from, ...limit }
      }
      case 'readAll': {
        const direction = random.pick(['forwards', 'forwards', 'backwards'] as const)
        return {
          do: 'readAll',
          direction,
          ...limit,
          ...(after !== undefined && random.chance(0.5) ? { after } : {}),
          ...this.#filter(),
        }
      }
      case 'subscribe': {
        if (this.#resume.length > 0 && random.chance(0.7)) {
          const { request } = random.pick(this.#resume.slice(-4))
          return request
        }
        const from =
          after !== undefined && random.chance(0.4) ? after : random.pick(['start', 'end'] as const)
        return { do: 'subscribeToAll', after: from, ...this.#filter(), name: 'simulated' }
      }
      case 'subscribeStream': {
        const from = random.chance(0.2) ? ('end' as const) : random.between(0, version)
        return { do: 'subscribeToStream', stream, after: from }
      }
      case 'small':
        return random.chance(0.5) ? { do: 'headPosition' } : { do: 'streamVersion', stream }
      case 'checkpoint': {
        const subscription = random.pick(['a', 'b'])
        if (random.chance(0.4)) return { do: 'loadCheckpoint', subscription }
        if (random.chance(0.04)) return { do: 'deleteCheckpoint', subscription }
        const position = `${after ?? 'p000000'}.${random.chance(0.1) ? 0 : this.#number}`
        if (random.chance(0.2)) return { do: 'saveCheckpoint', subscription, position }
        const expected = random.chance(0.8) ? (this.#checkpoints.get(subscription) ?? null) : null
        return { do: 'saveCheckpoint', subscription, position, expected }
      }
      case 'snapshot': {
        if (random.chance(0.5)) return { do: 'loadSnapshot', stream }
        const at = random.between(0, version)
        return { do: 'saveSnapshot', stream, version: at, digest: `s${at}.${random.below(2)}` }
      }
    }
  }

  #place(): string | undefined {
    return this.#places.length > 0 ? this.#random.pick(this.#places.slice(-20)) : undefined
  }

  #filter(): { filter?: Filter } {
    const random = this.#random
    if (random.chance(0.5)) return {}
    return {
      filter: random.pick<Filter>([
        { categories: ['Order'] },
        { categories: ['Order', 'Cart'] },
        { types: ['A'] },
        { types: ['B'], streamPrefixes: ['Order-', 'Bill-'] },
        { streamPrefixes: ['Nothing-'] },
      ]),
    }
  }

  #event(): AskedEvent {
    const n = this.#number++
    return [`e${n}`, this.#random.pick(['A', 'B']), `d${n}`]
  }

  #part(stream: string): AppendPart {
    const random = this.#random
    const version = this.#byStream.get(stream)?.length ?? 0
    const part: AppendPart = {
      stream,
      expected: random.chance(0.55)
        ? Math.max(0, version + random.pick([0, 0, 0, 0, -1, 1]))
        : random.pick(['any', 'any', 'exists'] as const),
      events: Array.from({ length: random.pick([1, 1, 2, 3]) }, () => this.#event()),
    }
    this.#made.push({ part })
    return part
  }

  // What the store does.

  #plan(op: string, request: Request): Running {
    const running: Running = {
      op,
      request,
      work: [],
      answer: { outcome: 'ok' },
      ...subscription(request),
    }
    const { work } = running
    const random = this.#random
    switch (request.do) {
      case 'append':
        work.push(() => {
          running.answer = this.#append([request])
        })
        break
      case 'appendToStreams':
        work.push(() => {
          running.answer = this.#append(request.appends)
        })
        break
      case 'readStream':
        this.#planStreamRead(running, request)
        break
      case 'readAll':
        this.#planReadAll(running, request)
        break
      case 'streamVersion':
        work.push(() => {
          const version = this.#byStream.get(request.stream)?.length ?? 0
          running.answer = { outcome: 'ok', version }
        })
        break
      case 'headPosition':
        work.push(() => {
          const position = this.#log[this.#visible() - 1]?.position ?? null
          running.answer = { outcome: 'ok', position }
        })
        break
      case 'saveCheckpoint':
        work.push(() => {
          const actual = this.#checkpoints.get(request.subscription) ?? null
          if (request.expected !== undefined && request.expected !== actual) {
            running.answer = { outcome: 'fail', code: 'CHECKPOINT_CONFLICT', actual }
            return
          }
          this.#checkpoints.set(request.subscription, request.position)
          if (random.chance(this.#loss))
            running.answer = { outcome: 'unknown', code: 'UNAVAILABLE' }
        })
        break
      case 'deleteCheckpoint':
        work.push(() => this.#checkpoints.delete(request.subscription))
        break
      case 'loadCheckpoint':
        work.push(() => {
          const position = this.#checkpoints.get(request.subscription) ?? null
          running.answer = { outcome: 'ok', position }
        })
        break
      case 'saveSnapshot':
        work.push(() => {
          const kept = this.#snapshots.get(request.stream)
          if (!kept || kept[0] <= request.version) {
            this.#snapshots.set(request.stream, [request.version, request.digest])
          }
        })
        break
      case 'loadSnapshot':
        work.push(() => {
          const snapshot = random.chance(0.1) ? null : (this.#snapshots.get(request.stream) ?? null)
          running.answer = { outcome: 'ok', snapshot }
        })
        break
      case 'subscribeToAll':
        if (request.after !== 'end') break
        work.push(() => {
          running.subscription!.looked ??= this.#visible()
        })
        break
      default:
        break
    }
    return running
  }

  #append(parts: readonly AppendPart[]): Answer {
    const decided = parts.map((part) => this.#decide(part))
    const refused = decided.find((d) => typeof d === 'object' && 'outcome' in d)
    const repeats = decided.filter((d) => Array.isArray(d))
    if (repeats.length === parts.length) {
      return { outcome: 'ok', results: repeats as [number, string][] }
    }
    if (refused) return refused as Answer
    if (repeats.length > 0) return { outcome: 'fail', code: 'DUPLICATE_EVENT_ID' }
    return { outcome: 'ok', results: parts.map((part) => this.#write(part)) }
  }

  #decide({ stream, expected, events }: AppendPart): Answer | [number, string] | undefined {
    const stored = this.#byStream.get(stream) ?? []
    const version = stored.length
    const forgets = this.#capabilities.idempotentAny === 'bestEffort' && this.#random.chance(0.5)
    const start = stored.findIndex(
      (_, i) =>
        (typeof expected !== 'number' || i === expected) &&
        events.every(([id], k) => stored[i + k]?.asked[0] === id),
    )
    if (start !== -1 && (typeof expected === 'number' || !forgets)) {
      const last = stored[start + events.length - 1]!
      return [last.version, last.position]
    }
    if (
      typeof expected === 'number' ? expected !== version : expected === 'exists' && version === 0
    ) {
      return { outcome: 'fail', code: 'WRONG_EXPECTED_VERSION', stream, actual: version }
    }
    if (
      this.#capabilities.uniqueEventIds === 'stream' &&
      events.some(([id]) => stored.some(({ asked }) => asked[0] === id))
    ) {
      return { outcome: 'fail', code: 'DUPLICATE_EVENT_ID' }
    }
    return undefined
  }

  #write({ stream, events }: AppendPart): [number, string] {
    const stored = this.#byStream.get(stream) ?? []
    this.#byStream.set(stream, stored)
    for (const asked of events) {
      const position = `p${String(this.#log.length * 10 + this.#random.below(10)).padStart(6, '0')}`
      const event = { stream, version: stored.length + 1, position, asked }
      stored.push(event)
      this.#log.push(event)
    }
    this.#ends.push(this.#log.length)
    const last = stored[stored.length - 1]!
    return [last.version, last.position]
  }

  /** How much of the log a reader of all sees: whole appends, and what was there at a moment without any in flight. */
  #visible(least = 0): number {
    const from = Math.max(least, this.#settled)
    const ends = this.#ends.filter((end) => end >= from)
    return ends.length === 0
      ? this.#log.length
      : this.#random.pick([ends[ends.length - 1]!, ends[ends.length - 1]!, this.#random.pick(ends)])
  }

  #planStreamRead(running: Running, request: Request & { do: 'readStream' }): void {
    const forwards = request.direction === 'forwards'
    const events: SeenEvent[] = []
    const limit = request.limit ?? Number.POSITIVE_INFINITY
    let next: number | undefined = forwards ? (request.from ?? 1) : request.from
    const page = (last: boolean) => () => {
      const stored = this.#byStream.get(request.stream) ?? []
      next ??= stored.length
      if (!forwards) next = Math.min(next, stored.length)
      let left = last ? Number.POSITIVE_INFINITY : this.#random.between(0, 2)
      while (left-- > 0 && events.length < limit && next >= 1 && next <= stored.length) {
        events.push(seen(stored[next - 1]!))
        next += forwards ? 1 : -1
      }
    }
    running.work.push(page(false), page(true))
    running.work.push(() => this.#endRead(running, events, limit))
  }

  #planReadAll(running: Running, request: Request & { do: 'readAll' }): void {
    const forwards = request.direction === 'forwards'
    const events: SeenEvent[] = []
    const limit = request.limit ?? Number.POSITIVE_INFINITY
    const { after } = request
    let next: number | undefined
    let visible = 0
    const page = (last: boolean) => () => {
      visible = forwards || next === undefined ? this.#visible(visible) : visible
      if (next === undefined) {
        const upTo = after === undefined ? 0 : this.#log.filter((e) => e.position <= after).length
        const below =
          after === undefined ? visible : this.#log.filter((e) => e.position < after).length
        next = forwards
          ? upTo
          : Math.min(after === undefined ? visible : Math.max(below, 0), this.#log.length) - 1
      }
      let left = last ? Number.POSITIVE_INFINITY : this.#random.between(0, 3)
      while (
        left-- > 0 &&
        events.length < limit &&
        next >= 0 &&
        (forwards ? next < visible : true)
      ) {
        const event = this.#log[next]
        if (!event) break
        if (passes(event, request.filter)) {
          events.push(seen(event))
          this.#places.push(event.position)
        }
        next += forwards ? 1 : -1
      }
    }
    running.work.push(page(false), page(true))
    running.work.push(() => this.#endRead(running, events, limit))
  }

  #endRead(running: Running, events: SeenEvent[], limit: number): void {
    const random = this.#random
    if (running.op.startsWith('end:') || random.chance(0.8)) {
      running.answer = { outcome: 'ok', events, end: 'itself' }
      return
    }
    // Stopped, or broken off, with what was given until then.
    const some = events.slice(0, random.between(0, Math.min(events.length, limit)))
    running.answer = random.chance(0.5)
      ? { outcome: 'ok', events: some, end: 'stopped' }
      : { outcome: 'fail', code: 'UNAVAILABLE', events: some }
  }

  #deliver(running: Running, subscription: Subscription): void {
    const random = this.#random
    const { request } = running
    if (running.work.length > 0) {
      running.work.shift()?.()
      return
    }
    const events: SeenEvent[] = []
    const line: { -readonly [K in keyof GotLine]: GotLine[K] } = {
      t: 'got',
      op: running.op,
      at: this.#up(),
    }
    if (request.do === 'subscribeToStream') {
      const stored = this.#byStream.get(request.stream) ?? []
      subscription.looked ??= request.after === 'end' ? stored.length : request.after
      const to = Math.min(stored.length, subscription.looked + random.between(0, 3))
      for (; subscription.looked < to; subscription.looked++) {
        events.push(seen(stored[subscription.looked]!))
      }
      if (subscription.looked === stored.length) line.caughtUp = subscription.looked
    } else if (request.do === 'subscribeToAll') {
      const { after } = request
      subscription.looked ??=
        after === 'start' ? 0 : this.#log.filter((e) => e.position <= after).length
      const visible = this.#visible(subscription.looked)
      const to = Math.min(visible, subscription.looked + random.between(0, 4))
      for (; subscription.looked < to; subscription.looked++) {
        const event = this.#log[subscription.looked]!
        if (passes(event, request.filter)) events.push(seen(event))
      }
      const place = this.#log[subscription.looked - 1]?.position ?? 'p'
      if (subscription.looked === visible) line.caughtUp = place
      else if (events.length === 0) line.progress = place
      this.#places.push(...events.map(([, , position]) => position))
      this.#resume.push({ request: { ...request, after: place } })
    }
    if (events.length > 0) line.events = events
    running.answer = { outcome: 'ok', end: 'stopped' }
    this.#lines.push(line)
  }
}

function isAppend(request: Request): boolean {
  return request.do === 'append' || request.do === 'appendToStreams'
}

function subscription(request: Request): { subscription?: Subscription } {
  if (request.do !== 'subscribeToAll' && request.do !== 'subscribeToStream') return {}
  return { subscription: { filter: null, stream: undefined, looked: undefined } }
}

function seen({ stream, version, position, asked }: Stored): SeenEvent {
  return [stream, version, position, asked[0], asked[2]]
}

function passes({ stream, asked }: Stored, filter: Filter | undefined): boolean {
  return matchesFilter(filter, { streamId: stream, type: asked[1] })
}
