/** What became of one item of a batch. */
export type Outcome<R> =
  | { readonly ok: true; readonly value: R }
  | { readonly ok: false; readonly error: unknown }

export interface CoalesceOptions<T, R> {
  /** Writes a batch: an outcome for each item, in order. A rejection is every item's failure. */
  run(batch: readonly T[]): Promise<readonly Outcome<R>[]>
  /** Items of one batch, at most. */
  readonly maxItems: number
  /** Weight of one batch, at most; an item above it goes alone. */
  readonly maxWeight: number
  weigh(item: T): number
  /** Batches under way at a time. Default: 1. */
  readonly concurrency?: number
  /**
   * Divides what waits evenly among the places that are free, into batches of at least so many items, so that one batch is
   * worked on while the answers of another are taken in. Without it everything goes as one batch, and those who wait for it
   * come back together: then the other places stay empty for ever. Default: not divided.
   */
  readonly divideFrom?: number
}

export interface Coalescer<T, R> {
  /** Puts an item into the next batch. Where `signal` aborts before the batch is sent, the item is taken out again. */
  add(item: T, signal?: AbortSignal): Promise<R>
}

interface Waiting<T, R> {
  readonly item: T
  readonly weight: number
  resolve(value: R): void
  reject(error: unknown): void
  unlink(): void
}

/**
 * Groups what waits while a write is under way, in the order of arrival (group commit). What finds nothing under way
 * goes at once, or where the last batch was of several with the next turn of the event loop.
 */
export function coalesce<T, R>(options: CoalesceOptions<T, R>): Coalescer<T, R> {
  const concurrency = options.concurrency ?? 1
  const queue: Waiting<T, R>[] = []
  let running = 0
  let scheduled = false
  // Whether the last batch was of one item.
  let lone = true

  const share = (waiting: number, places: number) =>
    options.divideFrom === undefined
      ? waiting
      : Math.max(options.divideFrom, Math.ceil(waiting / places))

  // Those whose batch has just ended are about to come back with their next item: a turn of the event loop lets them
  // into the next batch. A lone writer has nobody to wait for.
  const schedule = () => {
    if (scheduled || queue.length === 0 || running >= concurrency) return
    scheduled = true
    const go = () => {
      scheduled = false
      start()
    }
    if (lone && running === 0) queueMicrotask(go)
    else setImmediate(go)
  }

  const start = () => {
    while (running < concurrency && queue.length > 0) {
      let count = 0
      let weight = 0
      const most = Math.min(options.maxItems, share(queue.length, concurrency - running))
      while (count < queue.length && count < most) {
        weight += queue[count]!.weight
        if (count > 0 && weight > options.maxWeight) break
        count++
      }
      const batch = queue.splice(0, count)
      for (const waiting of batch) waiting.unlink()
      lone = batch.length === 1
      running++
      void send(batch).finally(() => {
        running--
        schedule()
      })
    }
  }

  const send = async (batch: readonly Waiting<T, R>[]) => {
    try {
      const outcomes = await options.run(batch.map((waiting) => waiting.item))
      if (outcomes.length !== batch.length) {
        throw new Error(`a batch of ${batch.length} came back with ${outcomes.length} outcomes`)
      }
      for (const [index, waiting] of batch.entries()) {
        const outcome = outcomes[index]!
        if (outcome.ok) waiting.resolve(outcome.value)
        else waiting.reject(outcome.error)
      }
    } catch (error) {
      for (const waiting of batch) waiting.reject(error)
    }
  }

  return {
    add: (item, signal) =>
      new Promise<R>((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const onAbort = () => {
          queue.splice(queue.indexOf(waiting), 1)
          reject(signal?.reason)
        }
        const waiting: Waiting<T, R> = {
          item,
          weight: options.weigh(item),
          resolve,
          reject,
          unlink: () => signal?.removeEventListener('abort', onAbort),
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        queue.push(waiting)
        schedule()
      }),
  }
}
