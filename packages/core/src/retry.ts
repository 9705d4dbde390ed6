import { AttemptTimeoutError, attempt } from './attempt.js'
import type { StoreDriver, TranslatedError } from './driver.js'
import { type EventStoreError, isEventStoreError, UnavailableError } from './errors.js'
import type { RetryNotice } from './event-store.js'
import type { Scope } from './scope.js'

const firstDelayMs = 25
const maxDelayMs = 1000

/** What an error of a driver means; an `EventStoreError` is a verdict already. */
export function translate(driver: StoreDriver, error: unknown): TranslatedError {
  if (error instanceof AttemptTimeoutError) return { error, retryable: true, outcomeUnknown: true }
  if (isEventStoreError(error)) return { error, retryable: false, outcomeUnknown: false }
  return driver.translateError(error)
}

/**
 * Counts the failures of one call and waits between its attempts: exponential back-off with full jitter (Brooker,
 * "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), so that many clients do not come back at once.
 */
export class Retry {
  #attempt = 0
  #deadline: number | undefined

  constructor(
    private readonly scope: Scope,
    /** Milliseconds from the first failure since the last success; `Infinity`: without end. */
    private readonly budgetMs: number,
    private readonly onRetry?: ((notice: RetryNotice) => void) | undefined,
  ) {}

  get attempts(): number {
    return this.#attempt
  }

  /** Something worked: the budget starts anew. */
  succeeded(): void {
    this.#attempt = 0
    this.#deadline = undefined
  }

  /** Waits for the next attempt's time; false where the budget is spent. */
  async wait(error: unknown): Promise<boolean> {
    const now = performance.now()
    this.#deadline ??= now + this.budgetMs
    const ceiling = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.#attempt, 16))
    if (now >= this.#deadline) return false
    const delayMs = Math.min(Math.random() * ceiling, this.#deadline - now)
    this.#attempt++
    try {
      this.onRetry?.({ operation: this.scope.operation, attempt: this.#attempt, delayMs, error })
    } catch {
      // An observer's failure is not the call's.
    }
    await this.scope.sleep(delayMs)
    return true
  }

  /** After an attempt has failed: waits for the next one's time, or throws what the call ends with. */
  async afterFailure(
    driver: StoreDriver,
    error: unknown,
    onFailure?: (failure: TranslatedError) => void,
  ): Promise<void> {
    if (this.scope.failure) throw this.scope.failure
    const translated = translate(driver, error)
    onFailure?.(translated)
    if (!translated.retryable) throw translated.error
    if (!(await this.wait(error))) throw this.exhausted(translated.error)
  }

  /** The error that a spent budget ends with. */
  exhausted(error: EventStoreError): EventStoreError {
    if (this.#attempt === 0 || error.code !== 'UNAVAILABLE') return error
    return new UnavailableError(
      `${error.message} (${this.scope.operation}: gave up after ${this.#attempt + 1} attempts)`,
      { cause: error.cause ?? error },
    )
  }
}

/** Runs a call that may be repeated at will: a read, or a write whose repetition changes nothing. */
export async function retrying<T>(
  driver: StoreDriver,
  scope: Scope,
  retry: Retry,
  attemptTimeoutMs: number,
  call: (signal: AbortSignal) => Promise<T>,
  onFailure?: (failure: TranslatedError) => void,
): Promise<T> {
  for (;;) {
    try {
      return await attempt(scope, attemptTimeoutMs, call)
    } catch (error) {
      await retry.afterFailure(driver, error, onFailure)
    }
  }
}
