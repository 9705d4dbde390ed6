/** Calls that overlap, one after the other. */
export class Turns {
  #last: Promise<unknown> | undefined

  /** Whether a call would have to wait. */
  get taken(): boolean {
    return this.#last !== undefined
  }

  take<R>(call: () => Promise<R>): Promise<R> {
    const answer = this.#last ? this.#last.then(call, call) : call()
    this.#last = answer
    const settled = () => {
      if (this.#last === answer) this.#last = undefined
    }
    answer.then(settled, settled)
    return answer
  }
}

/**
 * An async iterator that takes one step at a time, as an async generator does: calls that overlap wait for each other, and
 * `return()` waits for the step under way, and lets go of what the steps hold.
 *
 * A generator that waits at a `yield` keeps in its registers what it has given before, and a read goes through five
 * of these, one on top of the other: with generators it held five pages that everybody was done with.
 */
export abstract class Steps<T> implements AsyncIterableIterator<T, void, undefined> {
  readonly #turns = new Turns()
  #ended = false

  /** Not called again once it has said that it is done, or has failed. */
  protected abstract step(): Promise<IteratorResult<T, void>>

  /** Called once, after the last step. */
  protected abstract release(): Promise<void> | void

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<T, void>> {
    return this.#turns.take(() => this.#next())
  }

  return(): Promise<IteratorResult<T, void>> {
    return this.#turns.take(async () => {
      await this.#end()
      return { done: true, value: undefined }
    })
  }

  async #next(): Promise<IteratorResult<T, void>> {
    if (this.#ended) return { done: true, value: undefined }
    try {
      const result = await this.step()
      if (!result.done) return result
    } catch (error) {
      await this.#end()
      throw error
    }
    await this.#end()
    return { done: true, value: undefined }
  }

  async #end(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.release()
  }
}
