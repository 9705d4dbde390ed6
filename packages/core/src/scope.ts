import { AbortedError, ClosedError, type EventStoreError } from './errors.js'

/**
 * What ends a call before its time: the caller's signal, the end of an iteration, or the store's `close()`. Everything
 * that a call starts is bound to its scope's signal.
 */
export class Scope {
  readonly #controller = new AbortController()
  readonly #unlink: () => void
  #failure: EventStoreError | undefined
  #released: () => void = ignore
  /** Resolves when nothing of the call is left: for `close()`, which waits for it. */
  readonly released = new Promise<void>((resolve) => {
    this.#released = resolve
  })

  constructor(
    readonly operation: string,
    caller: AbortSignal | undefined,
    /** An iteration is ended by `close()`; everything else is waited for. */
    readonly iteration: boolean,
  ) {
    const onAbort = () => this.end(abortedBy(operation, caller!))
    if (caller?.aborted) onAbort()
    else caller?.addEventListener('abort', onAbort, { once: true })
    this.#unlink = () => caller?.removeEventListener('abort', onAbort)
  }

  /** Aborts when the call must end. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why the call must end; undefined while it need not. */
  get failure(): EventStoreError | undefined {
    return this.#failure
  }

  /** Ends the call; the first reason counts. */
  end(failure: EventStoreError): void {
    if (this.#failure) return
    this.#failure = failure
    this.#controller.abort(failure)
  }

  /** The promise's result, or the failure as soon as the scope ends. */
  race<T>(promise: Promise<T>): Promise<T> {
    if (this.#failure) {
      promise.catch(ignore)
      return Promise.reject(this.#failure)
    }
    return new Promise<T>((resolve, reject) => {
      const onEnd = () => reject(this.#failure)
      this.signal.addEventListener('abort', onEnd, { once: true })
      promise.then(resolve, reject).finally(() => this.signal.removeEventListener('abort', onEnd))
    })
  }

  /** Waits, and rejects with the failure when the scope ends first. */
  sleep(milliseconds: number): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.signal.removeEventListener('abort', onEnd)
        resolve()
      }, milliseconds)
      const onEnd = () => {
        clearTimeout(timer)
        reject(this.#failure)
      }
      this.signal.addEventListener('abort', onEnd, { once: true })
    })
  }

  /** Nothing of the call is left. */
  dispose(): void {
    this.#unlink()
    this.#released()
  }
}

function abortedBy(operation: string, signal: AbortSignal): EventStoreError {
  return new AbortedError(
    `${operation} was aborted by the caller's signal.${
      operation.startsWith('append')
        ? ' If it had been sent already it may have taken effect: repeat it with the same event ids and the same expectedVersion to find out.'
        : ''
    }`,
    { cause: signal.reason },
  )
}

export function closedDuring(operation: string): EventStoreError {
  return new ClosedError(`The event store was closed during ${operation}.`)
}

export function ignore(): void {}
