/**
 * One append at a time to a stream, within this store: appends of one process to one stream would only make each other's
 * conditions fail.
 */
export class Locks {
  readonly #last = new Map<string, Promise<void>>()

  /** Runs the work when everybody who came before for one of the names is done. */
  async run<T>(names: readonly string[], signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = names.map((name) => this.#last.get(name))
    let leave = () => {}
    const left = new Promise<void>((resolve) => {
      leave = resolve
    })
    // All names at once, so that two calls cannot wait for each other.
    const mine = Promise.all(before).then(() => left)
    for (const name of names) this.#last.set(name, mine)
    void mine.then(() => {
      for (const name of names) if (this.#last.get(name) === mine) this.#last.delete(name)
    })
    try {
      await abortable(Promise.all(before), signal)
      return await work()
    } finally {
      leave()
    }
  }
}

function abortable(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    void promise.then(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
  })
}
