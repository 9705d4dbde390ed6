import type { KurrentDBClient } from '@kurrent/kurrentdb-client'

/** A request that stayed without an answer for longer than `deadlineMs`: what it did is not known. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'

  constructor(what: string, milliseconds: number) {
    super(`KurrentDB gave no answer to ${what} within ${milliseconds} ms.`)
  }
}

/**
 * Where the client for one purpose comes from, and what replaces it when it has got stuck. Two things need that:
 * - the client's native reader, if its first read fails, fails all later ones at once, for ever;
 * - on a connection that is open but dead the client waits for its keep-alive, some twenty seconds.
 *
 * A client that was replaced is disposed of when the last request on it has ended. The application's own client is
 * neither replaced nor disposed of.
 */
export class ClientSlot {
  readonly #open: (() => KurrentDBClient) | null
  readonly #given: KurrentDBClient | null
  readonly #held = new Set<HeldClient>()
  #current: HeldClient | null = null

  constructor(open: (() => KurrentDBClient) | null, given: KurrentDBClient | null) {
    this.#open = open
    this.#given = given
  }

  /** The client to use now. Give it back with `release`. */
  acquire(): HeldClient {
    if (!this.#current) {
      const client = this.#given ?? this.#open?.()
      if (!client) throw new TypeError('A client slot needs a client or a way to make one.')
      this.#current = new HeldClient(client)
      this.#held.add(this.#current)
    }
    this.#current.users++
    return this.#current
  }

  release(held: HeldClient): void {
    held.users--
    // Nobody waits for the end of a client that was replaced.
    this.#disposeIfUnused(held)?.catch(() => {})
  }

  /** Later requests get a new client. */
  replace(held: HeldClient): void {
    if (this.#given || this.#current !== held) return
    this.#current = null
  }

  /** Disposes of what the store opened. No request may be under way. */
  async close(): Promise<void> {
    this.#current = null
    await Promise.all([...this.#held].map((held) => this.#disposeIfUnused(held)))
  }

  #disposeIfUnused(held: HeldClient): Promise<void> | undefined {
    if (held.users > 0 || held === this.#current || !this.#held.delete(held)) return undefined
    return this.#given ? undefined : held.client.dispose()
  }
}

/** A client in use. */
export class HeldClient {
  users = 0

  constructor(readonly client: KurrentDBClient) {}
}

/** Infinity: none. */
export function startDeadline(milliseconds: number, late: () => void): NodeJS.Timeout | undefined {
  return milliseconds === Number.POSITIVE_INFINITY ? undefined : setTimeout(late, milliseconds)
}

/** The answer, or a `DeadlineError`. The request itself cannot be called back. */
export function withDeadline<T>(
  request: Promise<T>,
  milliseconds: number,
  what: string,
): Promise<T> {
  if (milliseconds === Number.POSITIVE_INFINITY) return request
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new DeadlineError(what, milliseconds)), milliseconds)
    request.then(
      (answer) => {
        clearTimeout(timer)
        resolve(answer)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

/** The promise's result, or the signal's reason as soon as it aborts. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {})
    return Promise.reject(signal.reason)
  }
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(
      (value) => {
        signal.removeEventListener('abort', onAbort)
        resolve(value)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort)
        reject(error)
      },
    )
  })
}
