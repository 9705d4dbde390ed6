/**
 * Work that no caller waits for: filling a ticket that was given up, moving the settled mark. It may fail, since readers
 * do the same when they get there; `close` waits for what is under way.
 */
export class Background {
  readonly #controller = new AbortController()
  readonly #running = new Set<Promise<void>>()

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  run(work: (signal: AbortSignal) => Promise<unknown>): void {
    const running: Promise<void> = work(this.signal)
      .then(
        () => {},
        () => {},
      )
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async close(): Promise<void> {
    this.#controller.abort()
    await Promise.all(this.#running)
  }
}
