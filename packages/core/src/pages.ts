import { ignore } from './scope.js'
import { Steps } from './steps.js'

type FetchPage<P, C> = (
  cursor: C | null,
  signal: AbortSignal,
) => Promise<{ readonly page: P; readonly next: C | null }>

export interface PageIterator<P> extends AsyncIterableIterator<P, void, undefined> {
  /** Ends the iteration, once a page that is asked for has come. */
  return(): Promise<IteratorResult<P, void>>
}

/**
 * For a database with pages: turns "give me the page after this cursor" into an async iterable of pages, with one page
 * of prefetch: while the consumer works on a page, the next one is on its way, and never more.
 *
 * @param fetchPage the page behind `cursor` (null: the first one) and the cursor of the next page (null: that was the
 *   last). Its signal aborts when `signal` does, and that of a page that is fetched ahead also when the consumer stops.
 */
export function pages<P, C>(signal: AbortSignal, fetchPage: FetchPage<P, C>): PageIterator<P> {
  return new Pages(signal, fetchPage)
}

class Pages<P, C> extends Steps<P> {
  /** The page after the one that was given. Undefined before the first, and after the last. */
  #ahead: ReturnType<FetchPage<P, C>> | undefined
  #isLast = false
  /** Aborts what is fetched ahead. Made with the second page: a signal costs more than the rest of a short read. */
  #controller: AbortController | undefined

  constructor(
    private readonly signal: AbortSignal,
    private readonly fetchPage: FetchPage<P, C>,
  ) {
    super()
  }

  protected async step(): Promise<IteratorResult<P, void>> {
    if (this.#isLast) return { done: true, value: undefined }
    const { page, next } = await (this.#ahead ?? this.fetchPage(null, this.signal))
    this.#ahead = undefined
    if (next === null) this.#isLast = true
    else {
      this.#ahead = this.fetchPage(next, this.#aheadSignal())
      // It is awaited in the next step; until then its failure is nobody's unhandled rejection.
      this.#ahead.catch(ignore)
    }
    return { done: false, value: page }
  }

  protected release(): void {
    if (!this.#controller) return
    this.signal.removeEventListener('abort', this.#onAbort)
    // Only if something is under way: abort() makes an error with a stack, which costs more than a short read.
    if (this.#ahead) this.#controller.abort()
    this.#ahead = undefined
  }

  #aheadSignal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.signal.aborted) this.#onAbort()
      else this.signal.addEventListener('abort', this.#onAbort, { once: true })
    }
    return this.#controller.signal
  }

  readonly #onAbort = (): void => this.#controller?.abort(this.signal.reason)
}
