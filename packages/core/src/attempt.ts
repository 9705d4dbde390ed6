import { UnavailableError } from './errors.js'
import { ignore, Scope } from './scope.js'

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
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<T>((resolve, reject) => {
      timer = startTimer(own, timeoutMs, reject)
      work(own.signal).then(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
    own.dispose()
  }
}

/** The same for a read: each batch must come in time. The consumer's own time does not count. */
export async function* attemptBatches<B>(
  scope: Scope,
  timeoutMs: number,
  read: (signal: AbortSignal) => AsyncIterable<B>,
): AsyncGenerator<B, void, undefined> {
  const own = new Scope(scope.operation, scope, false)
  const iterator = read(own.signal)[Symbol.asyncIterator]()
  let ended = false
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined
      const result = await new Promise<IteratorResult<B>>((resolve, reject) => {
        timer = startTimer(own, timeoutMs, reject)
        iterator.next().then(resolve, reject)
      })
        .catch((error: unknown) => {
          ended = true
          // What got no answer is not waited for.
          if (own.failure) void iterator.return?.().catch(ignore)
          throw error
        })
        .finally(() => clearTimeout(timer))
      if (result.done) {
        ended = true
        return
      }
      yield result.value
    }
  } finally {
    if (!ended) await iterator.return?.()
    own.dispose()
  }
}

function startTimer(
  own: Scope,
  timeoutMs: number,
  reject: (error: unknown) => void,
): NodeJS.Timeout | undefined {
  if (timeoutMs === Number.POSITIVE_INFINITY) return undefined
  return setTimeout(() => {
    const timeout = new AttemptTimeoutError(own.operation, timeoutMs)
    own.end(timeout)
    reject(timeout)
  }, timeoutMs)
}
