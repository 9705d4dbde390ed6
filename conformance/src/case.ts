import type { Capabilities, EventStore, StoreOptions } from '@annals/core'
import type { MessageLike } from './collect.js'
import { Collector } from './collect.js'
import { type Gate, gate } from './gates.js'
import type { Harness, HookName, Subject } from './harness.js'
import type { RuleId } from './rules.js'
import { until } from './until.js'

/** 'quick': what an author runs all the time. 'full': everything. */
export type Level = 'quick' | 'full'

/** What a case must be able to rely on, and what is examined where the store does not offer it. */
export interface Need {
  readonly capability: keyof Capabilities
  offered(capabilities: Capabilities): boolean
  /** The opposite case: the refusal, or the weaker behaviour that the capability stands for. */
  readonly otherwise: {
    readonly title: string
    run(t: CaseContext): Promise<void>
  }
}

export interface ConformanceCase {
  /** The rule and a short name, e.g. `EXPECT-2/one-of-twenty`. Stable: known failures are listed by it. */
  readonly id: string
  readonly rule: RuleId
  readonly title: string
  readonly needs?: Need
  readonly hooks?: readonly HookName[]
  /** 'full' where the case is long. Default: 'quick', it runs always. */
  readonly level?: Level
  /** Whether its result may depend on timing: such cases are repeated by `repeat`. */
  readonly concurrent?: boolean
  run(t: CaseContext): Promise<void>
}

/** What a case gets: a fresh subject, and the tools that know what the case is waiting for. */
export class CaseContext {
  readonly #waiting = new Map<symbol, () => string>()
  readonly #endings: (() => unknown)[] = []
  readonly #over = new AbortController()

  constructor(
    readonly harness: Harness,
    readonly subject: Subject,
    readonly level: Level,
  ) {}

  /** The first handle. */
  get store(): EventStore {
    return this.subject.store
  }

  /** Aborted when the case is over, whichever way. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** What the case waits for at this moment, for the watchdog's message. */
  get waiting(): readonly string[] {
    return [...this.#waiting.values()].map((tell) => tell())
  }

  /** A second handle on the same data. */
  another(options?: StoreOptions): Promise<EventStore> {
    return this.waitFor('a second handle', this.subject.openAnother(options))
  }

  /** A hook that the case has named in `hooks`, so that it is there. */
  hook<H extends HookName>(name: H): NonNullable<Subject[H]> {
    const hook = this.subject[name]
    if (!hook) throw new TypeError(`the case uses the hook ${name} without naming it in "hooks"`)
    return (hook as (...args: unknown[]) => unknown).bind(this.subject) as unknown as NonNullable<
      Subject[H]
    >
  }

  /** Waits, under a name that the watchdog can tell. */
  async waitFor<T>(what: string | (() => string), promise: PromiseLike<T>): Promise<T> {
    const key = Symbol()
    this.#waiting.set(key, typeof what === 'string' ? () => what : what)
    try {
      return await promise
    } finally {
      this.#waiting.delete(key)
    }
  }

  until<T>(
    what: string,
    check: () => T | Promise<T>,
  ): Promise<Exclude<T, false | null | undefined>> {
    return this.waitFor(what, until(check, this.signal))
  }

  /** Work that goes on while the case does other things: its failure is the case's own once it is awaited. */
  background<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {})
    return work
  }

  gate<T = void>(name: string): Gate<T> {
    return gate<T>(name)
  }

  /** Consumes a subscription until the case is over. */
  collect<M extends MessageLike>(name: string, source: AsyncIterable<M>): Collector<M> {
    const collector = new Collector(name, source)
    this.atEnd(() => collector.stop())
    return collector
  }

  /** Waits until a collector has seen what the condition demands. */
  collected<M extends MessageLike>(
    what: string,
    collector: Collector<M>,
    condition: (collector: Collector<M>) => boolean,
  ): Promise<void> {
    return this.waitFor(() => `${what} (${collector})`, collector.until(condition))
  }

  /** Done when the case is over, in the reverse order, also when it failed. */
  atEnd(action: () => unknown): void {
    this.#endings.push(action)
  }

  /** Called once by the runner. */
  async end(): Promise<void> {
    this.#over.abort(new Error('the case is over'))
    // What a case leaves behind must not hide how it ended: cleanup() of the subject is what has to work.
    await Promise.allSettled(this.#endings.reverse().map(async (action) => action()))
  }
}
