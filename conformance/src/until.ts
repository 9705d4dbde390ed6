import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'

/**
 * Asks again until the answer is neither false, null nor undefined. It never gives up by the clock: a store may be as
 * slow as it likes, and the case's watchdog is what ends a wait that has no end.
 */
export async function until<T>(
  check: () => T | Promise<T>,
  signal: AbortSignal,
): Promise<Exclude<T, false | null | undefined>> {
  let pause = 1
  for (;;) {
    // A store that answers without I/O must not starve the timers, the watchdog's among them.
    await turn()
    signal.throwIfAborted()
    const answer = await check()
    if (answer !== false && answer !== null && answer !== undefined)
      return answer as Exclude<T, false | null | undefined>
    await delay(pause, undefined, { signal })
    pause = Math.min(pause * 2, 25)
  }
}
