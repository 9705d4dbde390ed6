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
  readonly divideFrom?: number | undefined
  /**
   * Items of one key meet in the database, where they would wait for each other: those that wait go in one batch, and none
   * goes while a batch with its key is under way. Default: none meet.
   */
  key?(item: T): string
}

export interface Coalescer<T, R> {
  /** Puts an item into the next batch. Where `signal` aborts before the batch is sent, the item is taken out again. */
  add(item: T, signal?: AbortSignal): Promise<R>
}

interface Waiting<T, R> {
  readonly item: T
  readonly weight: number
  /** A string, or the item's own. */
  readonly key: unknown
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
  let queue: Waiting<T, R>[] = []
  /** The keys of the batches under way. */
  const underWay = new Set<unknown>()
  let running = 0
  let scheduled = false
  // Whether the last batch was of one item.
  let lone = true

  const share = (keys: number, places: number) =>
    options.divideFrom === undefined ? keys : Math.max(options.divideFrom, Math.ceil(keys / places))

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
    while (running < concurrency) {
      const batch = take(concurrency - running)
      if (batch.length === 0) return
      for (const { unlink, key } of batch) {
        unlink()
        underWay.add(key)
      }
      lone = batch.length === 1
      running++
      void send(batch).finally(() => {
        for (const { key } of batch) underWay.delete(key)
        running--
        schedule()
      })
    }
  }

  /** Takes the next batch out of the queue, where so many places are free. Those of one key keep their order. */
  const take = (places: number): Waiting<T, R>[] => {
    const ready = queue.filter(({ key }) => !underWay.has(key))
    const most = share(new Set(ready.map(({ key }) => key)).size, places)
    const keys = new Set<unknown>()
    const batch = new Set<Waiting<T, R>>()
    let weight = 0
    for (const waiting of ready) {
      if (batch.size === options.maxItems) break
      if (!keys.has(waiting.key) && keys.size === most) continue
      weight += waiting.weight
      if (batch.size > 0 && weight > options.maxWeight) break
      keys.add(waiting.key)
      batch.add(waiting)
    }
    if (batch.size > 0) queue = queue.filter((waiting) => !batch.has(waiting))
    return [...batch]
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
          key: options.key?.(item) ?? {},
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
