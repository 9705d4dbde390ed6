import type { AllMessage, EventStore, Filter, Position, StreamMessage } from '@annals/core'
import { isEventStoreError } from '@annals/core'
import type { Random } from './random.js'
import { Stalled } from './recording-store.js'

export interface ConsumerOptions {
  readonly store: EventStore
  readonly random: Random
  /** Of the subscription. Several consumers of one name compete for its checkpoint. */
  readonly name: string
  readonly filter: Filter | undefined
  readonly base: Position | null
  readonly stop: AbortSignal
  readonly stallMs: number
  readonly progress: { events: number }
  /** Follows this stream instead of all. */
  readonly stream: string | undefined
}

/**
 * A consumer as applications have them: it keeps its place as a checkpoint, is slow at times, stops and goes on from
 * where it was or from the checkpoint. When the load has ended it goes on until it has everything.
 */
export async function consume(options: ConsumerOptions): Promise<void> {
  if (options.stream !== undefined) return follow(options, options.stream)
  const { store, random, name, stop } = options
  let place: Position | 'start' | 'end' = options.base ?? 'start'
  let kept: Position | null | undefined
  let failures = 0
  if (random.chance(0.2)) place = 'end'
  for (;;) {
    const ending = stop.aborted
    const goal = ending ? await repeated(() => store.headPosition()) : undefined
    if (goal === null) return
    const reached = await run<AllMessage>(
      options,
      (signal) => store.subscribeToAll({ after: place, signal, ...filterOf(options) }),
      (message) => {
        place = message.kind === 'event' ? message.event.position : message.position
        return goal !== undefined && place >= goal
      },
    )
    if (reached === 'closed' || (ending && (reached !== 'failed' || ++failures > 20))) return
    if (random.chance(0.7) && place !== 'start' && place !== 'end') {
      kept = await save(store, name, place, kept)
      // Another owner has moved it on: go on from there, as a consumer that was started anew.
      if (kept !== undefined && random.chance(0.3)) place = kept ?? place
    }
  }
}

async function follow(options: ConsumerOptions, stream: string): Promise<void> {
  const { store, stop } = options
  let version = 0
  let failures = 0
  for (;;) {
    const ending = stop.aborted
    const goal = ending ? await repeated(() => store.streamVersion(stream)) : undefined
    if (goal === null) return
    const reached = await run<StreamMessage>(
      options,
      (signal) => store.subscribeToStream(stream, { afterVersion: version, signal }),
      (message) => {
        version = message.kind === 'event' ? message.event.version : message.version
        return goal !== undefined && version >= goal
      },
    )
    if (reached === 'closed' || (ending && (reached !== 'failed' || ++failures > 20))) return
  }
}

function filterOf({ filter }: ConsumerOptions): { filter?: Filter } {
  return filter === undefined ? {} : { filter }
}

/** One run of a subscription: until it has what it is for, has had enough, or the load ends. */
async function run<M extends { kind: string }>(
  { random, stop, stallMs, progress }: ConsumerOptions,
  open: (signal: AbortSignal) => AsyncIterable<M>,
  take: (message: M) => boolean,
): Promise<'reached' | 'stopped' | 'failed' | 'closed'> {
  const ending = stop.aborted
  const control = new AbortController()
  const onStop = () => control.abort(new Error('the load has ended'))
  if (!ending) stop.addEventListener('abort', onStop, { once: true })
  let timer: NodeJS.Timeout | undefined
  // Only at the end is it known that there is something to wait for.
  const watch = () => {
    clearTimeout(timer)
    if (ending) timer = setTimeout(() => control.abort(new Stalled(stallMs)), stallMs)
  }
  const enough = random.between(1, 400)
  const slow = !ending && random.chance(0.2)
  let taken = 0
  watch()
  try {
    for await (const message of open(control.signal)) {
      watch()
      if (message.kind === 'event') progress.events++
      if (take(message)) return 'reached'
      if (!ending && ++taken >= enough) return 'stopped'
      if (slow && taken % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 15))
    }
    return 'failed'
  } catch (error) {
    if (control.signal.aborted) return 'stopped'
    if (!isEventStoreError(error)) throw error
    // A store that fails at once must not be asked in a busy loop.
    await new Promise((resolve) => setTimeout(resolve, 50))
    return isEventStoreError(error, 'CLOSED') ? 'closed' : 'failed'
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', onStop)
  }
}

/** Saves where the checkpoint is as this owner left it; else takes over from where the other owner has brought it. */
async function save(
  store: EventStore,
  name: string,
  place: Position,
  kept: Position | null | undefined,
): Promise<Position | null | undefined> {
  try {
    const expected = kept === undefined ? await store.checkpoints.load(name) : kept
    if (expected !== null && place <= expected) return expected
    await store.checkpoints.save(name, place, { expected })
    return place
  } catch (error) {
    if (isEventStoreError(error, 'CHECKPOINT_CONFLICT')) return error.actual
    if (!isEventStoreError(error)) throw error
    return undefined
  }
}

/** At the end faults are over: a few transient failures may still come. Null where the answer cannot be read. */
async function repeated<T>(work: () => Promise<T>): Promise<T | null> {
  for (let attempts = 5; ; attempts--) {
    try {
      return await work()
    } catch (error) {
      if (isEventStoreError(error, 'CORRUPT')) return null
      if (attempts === 0 || !isEventStoreError(error, 'UNAVAILABLE')) throw error
    }
  }
}
