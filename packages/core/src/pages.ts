import { ignore } from './scope.js'

/**
 * For a database with pages: turns "give me the page after this cursor" into an async iterable of pages, with one page
 * of prefetch: while the consumer works on a page, the next one is on its way, and never more.
 *
 * @param fetchPage the page behind `cursor` (null: the first one) and the cursor of the next page (null: that was the
 *   last). Its signal aborts when the consumer stops or `signal` does.
 */
export async function* pages<P, C>(
  signal: AbortSignal,
  fetchPage: (
    cursor: C | null,
    signal: AbortSignal,
  ) => Promise<{ readonly page: P; readonly next: C | null }>,
): AsyncGenerator<P, void, undefined> {
  const controller = new AbortController()
  const onAbort = () => controller.abort(signal.reason)
  let ended = false
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    let pending = fetchPage(null, controller.signal)
    for (;;) {
      const { page, next } = await pending
      if (next === null) {
        ended = true
        yield page
        return
      }
      pending = fetchPage(next, controller.signal)
      // It is awaited in the next round; until then its failure is nobody's unhandled rejection.
      pending.catch(ignore)
      yield page
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Only if something may be under way: abort() makes an error with a stack, which costs more than a short read.
    if (!ended) controller.abort()
  }
}
