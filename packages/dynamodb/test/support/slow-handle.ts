import { setTimeout as sleep } from 'node:timers/promises'
import type { SlowHandle } from '@annals/conformance'
import type { EventStore } from '@annals/core'
import type { Wire } from './wire.js'

type Place = 'before' | 'after'

/**
 * A store whose requests and answers can stand still, be slow, or get lost without a word. What stands still arrives also
 * where the SDK has aborted it meanwhile: no abort calls back what is on its way.
 */
export function slowHandle(wire: Wire, store: EventStore): SlowHandle {
  let armed: Place | undefined
  let struck = 0
  let delayMs = 0
  let goOn = () => {}
  /** There while nothing passes. */
  let still: Promise<void> | undefined
  const late = new Set<Promise<unknown>>()
  /** Requests that are still to be lost with the connection that they go over. */
  let lost = 0
  let inFlight = 0
  const standStill = () => {
    struck++
    still ??= new Promise((resolve) => {
      goOn = resolve
    })
    return still
  }
  wire.ignoreAborts = true
  wire.rule(async ({ operation }, send) => {
    if (delayMs > 0) await sleep(delayMs)
    await still
    if (lost > 0) {
      lost--
      return new Promise(() => {})
    }
    const strikes = operation === 'TransactWriteItems' ? armed : undefined
    if (strikes) armed = undefined
    if (strikes === 'before') {
      const arriving = standStill().then(send)
      late.add(arriving)
      return arriving.finally(() => late.delete(arriving))
    }
    inFlight++
    const answer = await send().finally(() => inFlight--)
    if (strikes === 'after') await standStill()
    await still
    return answer
  })
  return {
    store,
    stallBeforeRequest() {
      armed = 'before'
    },
    stallAfterCommit() {
      armed = 'after'
    },
    async resume() {
      armed = undefined
      still = undefined
      goOn()
      await Promise.allSettled(late)
    },
    /** The SDK keeps connections and takes one of them, or a new one: those that it had are lost with the next requests. */
    async forget() {
      lost = Math.max(1, inFlight)
    },
    delay(milliseconds) {
      delayMs = milliseconds
    },
    get struck() {
      return struck
    },
  }
}
