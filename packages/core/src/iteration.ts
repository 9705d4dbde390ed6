import { AbortedError } from './errors.js'
import { ignore, type Scope } from './scope.js'
import { type Steps, Turns } from './steps.js'

/**
 * An iteration that ends at once: `return()` and the end of its scope stop it also while a `next()` is pending, which its
 * source by itself would wait for.
 */
class Iteration<T> implements AsyncIterator<T, undefined> {
  #scope: Scope | undefined
  #source: Steps<T> | undefined
  #done = false

  constructor(
    private readonly open: () => Scope,
    private readonly start: (scope: Scope) => Steps<T>,
  ) {}

  /** Whether it has been stopped from outside, so that what was read ahead is not given any more. */
  get stopped(): boolean {
    return this.#scope?.failure !== undefined
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#done) return { done: true, value: undefined }
    if (!this.#scope) this.#begin()
    const scope = this.#scope!
    try {
      const result = await scope.race(this.#source!.next())
      if (!result.done) return result
      this.#done = true
      scope.dispose()
      return { done: true, value: undefined }
    } catch (error) {
      // A pending next() of an iteration that the consumer has ended has nothing to tell.
      if (this.#done) return { done: true, value: undefined }
      this.#done = true
      // Where the scope has ended, `stop` disposes of it once the source has let go.
      if (!scope.failure) scope.dispose()
      throw error
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    if (!this.#done) {
      this.#done = true
      this.#scope?.end(new AbortedError('The iteration was ended.'))
      await this.#scope?.released
    }
    return { done: true, value: undefined }
  }

  #begin(): void {
    // Refused, by the store or by a check of the arguments: the iteration is over before it began.
    this.#done = true
    const scope = this.open()
    try {
      this.#source = this.start(scope)
    } catch (error) {
      scope.dispose()
      throw error
    }
    this.#scope = scope
    this.#done = false
    // Stopped while the consumer is busy elsewhere: what the source holds is released now, not at the next next().
    const stop = () =>
      void this.#source!.return()
        .catch(ignore)
        .finally(() => scope.dispose())
    if (scope.failure) stop()
    else scope.onEnd(stop)
  }
}

/** An async iterable whose every iteration opens a scope of its own and gives batches. */
export function iterateBatches<T>(
  open: () => Scope,
  start: (scope: Scope) => Steps<readonly T[]>,
): AsyncIterable<readonly T[]> {
  return { [Symbol.asyncIterator]: () => new Iteration(open, start) }
}

/** The same, item by item. An item that is there already costs no turn through the scope. */
export function iterateItems<T>(
  open: () => Scope,
  start: (scope: Scope) => Steps<readonly T[]>,
): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => new Items(new Iteration(open, start)) }
}

class Items<T> implements AsyncIterator<T, undefined> {
  #batch: readonly T[] = []
  #index = 0
  readonly #turns = new Turns()

  constructor(private readonly batches: Iteration<readonly T[]>) {}

  next(): Promise<IteratorResult<T, undefined>> {
    if (!this.#turns.taken && this.#index < this.#batch.length && !this.batches.stopped) {
      return Promise.resolve({ done: false, value: this.#batch[this.#index++]! })
    }
    return this.#turns.take(() => this.#step())
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#batch = []
    return this.batches.return() as Promise<IteratorResult<T, undefined>>
  }

  async #step(): Promise<IteratorResult<T, undefined>> {
    while (this.#index >= this.#batch.length || this.batches.stopped) {
      const result = await this.batches.next()
      if (result.done) return { done: true, value: undefined }
      this.#batch = result.value
      this.#index = 0
    }
    return { done: false, value: this.#batch[this.#index++]! }
  }
}
