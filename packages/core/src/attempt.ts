import { UnavailableError } from './errors.js'
import { ignore, Scope } from './scope.js'
import { Steps } from './steps.js'

/** An attempt that got no answer in time. Nobody knows what it did. */
export class AttemptTimeoutError extends UnavailableError {
  constructor(operation: string, timeoutMs: number) {
    super(`${operation} got no answer from the database within ${timeoutMs} ms.`)
  }
}

/**
 * One attempt of a call. It is given up as lost when it takes too long, and its signal then aborts, so that the driver
 * can let go of a connection whose other end is gone without a word.
 */
export async function attempt<T>(
  scope: Scope,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new Scope(scope.operation, scope, false)
  try {
    return await inTime(own, timeoutMs, () => work(own.signal))
  } finally {
    own.dispose()
  }
}

/** The same for a read: each batch must come in time. The consumer's own time does not count. */
export class AttemptedBatches<B> extends Steps<B> {
  readonly #scope: Scope
  #batches: AsyncIterator<B> | undefined
  /** Whether the driver's iteration has come to its end by itself. */
  #over = false

  constructor(
    scope: Scope,
    private readonly timeoutMs: number,
    private readonly read: (signal: AbortSignal) => AsyncIterable<B>,
  ) {
    super()
    this.#scope = new Scope(scope.operation, scope, false)
  }

  protected async step(): Promise<IteratorResult<B, void>> {
    try {
      this.#batches ??= this.read(this.#scope.signal)[Symbol.asyncIterator]()
      const batches = this.#batches
      const result = await inTime(this.#scope, this.timeoutMs, () => batches.next())
      if (result.done) this.#over = true
      return result
    } catch (error) {
      this.#over = true
      // What got no answer is not waited for.
      if (this.#scope.failure) void this.#batches?.return?.().catch(ignore)
      throw error
    }
  }

  protected async release(): Promise<void> {
    try {
      if (!this.#over) await this.#batches?.return?.()
    } finally {
      this.#scope.dispose()
    }
  }
}

/** Ends the scope, and with it the work, when that takes too long. */
async function inTime<T>(scope: Scope, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  if (timeoutMs === Number.POSITIVE_INFINITY) return work()
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<T>((resolve, reject) => {
      timer = setTimeout(() => {
        const timeout = new AttemptTimeoutError(scope.operation, timeoutMs)
        scope.end(timeout)
        reject(timeout)
      }, timeoutMs)
      work().then(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
  }
}
