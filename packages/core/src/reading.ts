import { AttemptedBatches } from './attempt.js'
import { decodeEvent } from './decode.js'
import type { StoreDriver, StoredEvent } from './driver.js'
import type { RecordedEvent } from './events.js'
import type { Retry } from './retry.js'
import type { Scope } from './scope.js'
import { Steps } from './steps.js'

/** How one read goes on: what to ask for next, and what of an answer is events. */
export interface ReadPlan<B> {
  readonly limit: number
  read(limit: number, signal: AbortSignal): AsyncIterable<B>
  events(batch: B): readonly StoredEvent[]
  /** Whether nothing can be left to read. */
  ended(): boolean
}

/** Reads to the end or the limit; after a transient failure it goes on behind the last batch given. */
export class Reading<B> extends Steps<readonly RecordedEvent[]> {
  #left: number
  #batches: AttemptedBatches<B> | undefined

  constructor(
    private readonly plan: ReadPlan<B>,
    private readonly driver: StoreDriver,
    private readonly scope: Scope,
    private readonly retry: Retry,
    private readonly attemptTimeoutMs: number,
  ) {
    super()
    this.#left = plan.limit
  }

  protected async step(): Promise<IteratorResult<readonly RecordedEvent[], void>> {
    for (;;) {
      try {
        const batches = this.#batches ?? this.#begin()
        const result = await batches?.next()
        if (!result || result.done) return { done: true, value: undefined }
        const events = this.plan.events(result.value)
        this.retry.succeeded()
        if (events.length === 0) continue
        this.#left -= events.length
        return { done: false, value: events.map(decodeEvent) }
      } catch (error) {
        await this.release()
        await this.retry.afterFailure(this.driver, error)
      }
    }
  }

  protected async release(): Promise<void> {
    const batches = this.#batches
    this.#batches = undefined
    await batches?.return()
  }

  #begin(): AttemptedBatches<B> | undefined {
    const { plan } = this
    const left = this.#left
    if (left <= 0 || plan.ended()) return undefined
    this.#batches = new AttemptedBatches(this.scope, this.attemptTimeoutMs, (signal) =>
      plan.read(left, signal),
    )
    return this.#batches
  }
}
