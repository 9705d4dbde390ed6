import type { Release, StoreDriver } from './driver.js'
import { ignore, type Scope } from './scope.js'

/** How long after a lost watch it is asked for again; core polls meanwhile. */
const watchAgainMs = 5000

/**
 * Hints that something may be new, shared by all the subscriptions of a store: from this process's own appends, and from
 * the driver's watch, which is open only while there are subscriptions.
 */
export class News {
  #count = 0
  #listeners = new Set<() => void>()
  #subscriptions = 0
  #watch: Promise<Release | undefined> | undefined
  #again: NodeJS.Timeout | undefined

  constructor(private readonly driver: StoreDriver) {}

  /** Grows with each hint: take it before reading, and `wait` with it, so that none is missed in between. */
  get count(): number {
    return this.#count
  }

  hint(): void {
    this.#count++
    for (const listener of this.#listeners) listener()
  }

  /** Waits for a hint after `count`, or for the time to pass. True where there was a hint. */
  async wait(count: number, milliseconds: number, scope: Scope): Promise<boolean> {
    if (this.#count !== count) return true
    let wake: () => void = ignore
    const hinted = new Promise<void>((resolve) => {
      wake = resolve
    })
    const timer = setTimeout(wake, milliseconds)
    this.#listeners.add(wake)
    try {
      await scope.race(hinted)
    } finally {
      clearTimeout(timer)
      this.#listeners.delete(wake)
    }
    return this.#count !== count
  }

  /** A subscription begins. It must `leave` again. */
  join(): void {
    this.#subscriptions++
    this.#open()
  }

  async leave(): Promise<void> {
    if (--this.#subscriptions === 0) await this.close()
  }

  async close(): Promise<void> {
    clearTimeout(this.#again)
    const watch = this.#watch
    this.#watch = undefined
    await (await watch)?.()
  }

  #open(): void {
    if (!this.driver.watch || this.#watch) return
    clearTimeout(this.#again)
    const opened: Promise<Release | undefined> = this.driver
      .watch(
        () => this.hint(),
        () => this.#lost(opened),
      )
      .then(
        (release) => {
          // Something may have come between the last poll and the watch.
          this.hint()
          return release
        },
        () => {
          this.#lost(opened)
          return undefined
        },
      )
    this.#watch = opened
  }

  #lost(watch: Promise<Release | undefined>): void {
    if (this.#watch !== watch) return
    this.#watch = undefined
    void watch.then((release) => release?.()).catch(ignore)
    if (this.#subscriptions === 0) return
    clearTimeout(this.#again)
    this.#again = setTimeout(() => this.#subscriptions > 0 && this.#open(), watchAgainMs).unref()
  }
}
