import { AbortedError, ClosedError, type EventStoreError } from './errors.js'

/**
 * What ends a call before its time: the caller's signal, the end of an iteration, or the store's `close()`. Everything
 * that a call starts is bound to its scope's signal.
 */
export class Scope {
  /** Made when somebody asks for the signal: a signal costs more than everything else of a short call's scope. */
  #controller: AbortController | undefined
  readonly #listeners = new Set<() => void>()
  #unlink: () => void = ignore
  #failure: EventStoreError | undefined
  #released: () => void = ignore
  /** Resolves when nothing of the call is left: for `close()`, which waits for it. */
  readonly released = new Promise<void>((resolve) => {
    this.#released = resolve
  })

  constructor(
    readonly operation: string,
    /** The caller's signal, or the scope that this one is a part of. */
    outer: AbortSignal | Scope | undefined,
    /** An iteration is ended by `close()`; everything else is waited for. */
    readonly iteration: boolean,
  ) {
    if (outer instanceof Scope) {
      const onEnd = () => this.end(outer.failure!)
      if (outer.failure) onEnd()
      else this.#unlink = outer.onEnd(onEnd)
    } else if (outer) {
      const onAbort = () => this.end(abortedBy(operation, outer))
      if (outer.aborted) onAbort()
      else outer.addEventListener('abort', onAbort, { once: true })
      this.#unlink = () => outer.removeEventListener('abort', onAbort)
    }
  }

  /** Aborts when the call must end. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#failure) this.#controller.abort(this.#failure)
    }
    return this.#controller.signal
  }

  /** Calls the listener once, when the call must end. Returns what takes it off. */
  onEnd(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Why the call must end; undefined while it need not. */
  get failure(): EventStoreError | undefined {
    return this.#failure
  }

  /** Ends the call; the first reason counts. */
  end(failure: EventStoreError): void {
    if (this.#failure) return
    this.#failure = failure
    this.#controller?.abort(failure)
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }

  /** The promise's result, or the failure as soon as the scope ends. */
  race<T>(promise: Promise<T>): Promise<T> {
    if (this.#failure) {
      promise.catch(ignore)
      return Promise.reject(this.#failure)
    }
    return new Promise<T>((resolve, reject) => {
      const off = this.onEnd(() => reject(this.#failure))
      promise.then(
        (value) => {
          off()
          resolve(value)
        },
        (error: unknown) => {
          off()
          reject(error)
        },
      )
    })
  }

  /** Waits, and rejects with the failure when the scope ends first. */
  sleep(milliseconds: number): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise<void>((resolve, reject) => {
      const off = this.onEnd(() => {
        clearTimeout(timer)
        reject(this.#failure)
      })
      const timer = setTimeout(() => {
        off()
        resolve()
      }, milliseconds)
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
