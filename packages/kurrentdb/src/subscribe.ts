import {
  type AllBatch,
  type AllQuery,
  type Position,
  type StoredEvent,
  StreamDeletedError,
  type StreamQuery,
  UnavailableError,
} from '@annals/core'
import type { AllStreamSubscription, StreamSubscription } from '@kurrent/kurrentdb-client'
import { abortable, DeadlineError, type HeldClient, startDeadline } from './client.js'
import type { Context } from './context.js'
import { decodePosition, encodePosition, origin } from './positions.js'
import { lastRecord, readAll, readStream } from './read.js'
import { eventOfParsed, type ParsedRecord } from './records.js'
import { kindOf } from './translate-error.js'

/** A read that brings nothing for so long is looking through a part of the log that the filter does not let through. */
const silenceMs = 500

/** A live subscription that brings nothing for so long has nothing more on its way. */
const quietMs = 10

/**
 * The server says where it is only after so many records that do not pass the filter; after so long without a word a
 * subscription to all finds out by itself, and with that whether the server still answers.
 */
const progressMs = 500

/** Events that wait in the subscription, while the consumer works, before the client stops reading from its socket. */
const buffered = 256

/**
 * After how many records that do not pass the filter the server says how far it has come, at most: while it looks
 * through the past, and while it is live.
 */
const window = { past: 2_000, live: 32 }

/**
 * The past by reading, which is up to many times faster than the server's catch-up subscription; what comes then by
 * the subscription. A read says nothing of where it is while nothing passes its filter, so where it falls silent the
 * subscription, which does, takes over early.
 */
export async function* tailAll(
  context: Context,
  query: AllQuery,
): AsyncGenerator<AllBatch, void, undefined> {
  const { signal } = query
  let at = query.after ?? origin
  // Whatever the filter, a read that ends has seen all up to here.
  const head = await lastRecord(context, signal)
  const read = untilSilent(
    (stop) => readAll(context, { ...query, after: at === origin ? null : at, signal: stop }),
    signal,
  )
  let complete = false
  for await (const batch of read) {
    at = batch.scannedTo
    complete = batch.atHead
    if (batch.events.length > 0) yield { ...batch, atHead: false }
  }
  if (complete) {
    if (head > at) at = head
  } else {
    for await (const batch of listenAll(context, query, at, window.past)) {
      at = batch.scannedTo
      yield { ...batch, atHead: false }
      if (batch.atHead) break
    }
  }
  yield* listenAll(context, query, at, window.live)
}

/** The same for a stream. An empty batch says that the head was reached. */
export async function* tailStream(
  context: Context,
  query: StreamQuery,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const { streamId, signal } = query
  let version = (query.fromVersion ?? 1) - 1
  for await (const events of readStream(context, { ...query, fromVersion: version + 1 })) {
    version = events[events.length - 1]!.version
    yield events
  }
  // The head of a moment ago; of a stream that was never written EventStoreDB 23.10 says nothing at all.
  yield []
  const name = context.names.toName(streamId)
  const held = context.writers.acquire()
  try {
    const subscription = held.client.subscribeToStream(
      name,
      {
        // The server begins after the revision.
        fromRevision: version === 0 ? 'start' : BigInt(version - 1),
        requiresLeader: true,
      },
      { highWaterMark: buffered },
    )
    const items = listen(context, held, subscription, `the subscription to stream ${name}`, signal)
    for await (const { records, atHead } of items) {
      // The server gives the mark of the deletion before the error that says so.
      const events = records.filter(({ type }) => context.names.passes(null, streamId, type))
      if (events.length > 0) yield events.map((record) => eventOfParsed(record, streamId))
      if (events.length < records.length) throw new StreamDeletedError(streamId)
      if (atHead) yield []
    }
  } catch (error) {
    const kind = kindOf(error)
    if (kind === 'StreamDeletedError') throw new StreamDeletedError(streamId, { cause: error })
    throw error
  } finally {
    context.writers.release(held)
  }
}

/** The server's subscription to all, after a position. */
async function* listenAll(
  context: Context,
  { filter, signal }: AllQuery,
  after: Position,
  maxSearchWindow: number,
): AsyncGenerator<AllBatch, void, undefined> {
  const held = context.writers.acquire()
  try {
    const subscription: AllStreamSubscription = held.client.subscribeToAll(
      {
        fromPosition: decodePosition(after) ?? 'start',
        requiresLeader: true,
        filter: {
          ...context.names.serverFilter(filter),
          maxSearchWindow,
          checkpointInterval: 1,
          // Queued between the events, so that it is seen in its place.
          checkpointReached: async (_, { commit }) => {
            subscription.push(new Checkpoint(encodePosition(commit)))
          },
        },
      },
      { highWaterMark: buffered },
    )
    let scannedTo = after
    const lookAhead = () => nothingUpTo(context, filter, scannedTo, signal)
    for await (const { records, reached, atHead } of listen(
      context,
      held,
      subscription,
      'the subscription to all streams',
      signal,
      lookAhead,
    )) {
      const events: StoredEvent[] = []
      for (const record of records) {
        const streamId = context.names.toId(record.streamId)
        if (!context.names.passes(filter, streamId, record.type)) continue
        events.push(eventOfParsed(record, streamId))
      }
      if (reached !== null && reached > scannedTo) scannedTo = reached
      yield { events, scannedTo, atHead }
    }
  } finally {
    context.writers.release(held)
  }
}

/** The last record's position, if nothing up to it passes the filter; null if something does, or nothing is new. */
async function nothingUpTo(
  context: Context,
  filter: AllQuery['filter'],
  after: Position,
  signal: AbortSignal,
): Promise<Position | null> {
  const head = await lastRecord(context, signal)
  if (head <= after) return null
  const query = { direction: 'forwards', after, limit: 1, filter, signal } as const
  for await (const { events } of readAll(context, query)) if (events.length > 0) return null
  return head
}

/** Marks in a subscription's queue, among the events. */
class Checkpoint {
  constructor(readonly position: Position) {}
}
class CaughtUp {
  constructor(readonly position: Position | null) {}
}

interface Heard {
  readonly records: readonly ParsedRecord[]
  /** How far the server has come with them; null where it has not said. */
  readonly reached: Position | null
  readonly atHead: boolean
}

/** What a subscription of the client brings, in arrays, without end; its failure is thrown. */
async function* listen(
  context: Context,
  held: HeldClient,
  subscription: AllStreamSubscription | StreamSubscription,
  what: string,
  signal: AbortSignal,
  /** Asked while nothing comes: how far that is certain. */
  lookAhead?: () => Promise<Position | null>,
): AsyncGenerator<Heard, void, undefined> {
  let failure: unknown
  let confirmed = false
  let live = false
  // Whether the consumer knows that it is at the head.
  let toldHead = lookAhead === undefined
  let wake = () => {}
  const fail = (error: unknown) => {
    failure ??= error
    wake()
  }
  // When a server dies the client emits only `error`, neither `end` nor `close`.
  subscription.on('error', fail)
  subscription.on('end', () => fail(new UnavailableError(`KurrentDB ended ${what}.`)))
  subscription.on('close', () => fail(new UnavailableError(`KurrentDB closed ${what}.`)))
  subscription.on('readable', () => wake())
  subscription.on('confirmation', () => {
    confirmed = true
    // One stream is subscribed to from its end as it was just read.
    if (!lookAhead) live = true
  })
  subscription.on('caughtUp', (info) => {
    const { position } = (info ?? {}) as { position?: { commit: bigint } }
    subscription.push(new CaughtUp(position ? encodePosition(position.commit) : null))
  })
  subscription.on('fellBehind', () => {
    live = false
  })
  const deadline = startDeadline(context.deadlineMs, () => {
    if (confirmed) return
    context.writers.replace(held)
    fail(new DeadlineError(what, context.deadlineMs))
  })
  try {
    for (;;) {
      signal.throwIfAborted()
      const heard = take(subscription)
      if (heard) {
        if (heard.caughtUp) live = true
        toldHead = heard.caughtUp
        yield { records: heard.records, reached: heard.reached, atHead: heard.caughtUp }
        continue
      }
      if (failure) throw failure
      const news = new Promise<'news'>((resolve) => {
        wake = () => resolve('news')
      })
      const pause = live && !toldHead ? quietMs : lookAhead ? progressMs : null
      if ((await abortable(newsOrPause(news, pause), signal)) === 'news') continue
      if (live && !toldHead) {
        toldHead = true
        yield { records: [], reached: null, atHead: true }
      } else if (lookAhead) {
        const reached = await lookAhead().catch((error: unknown) => {
          // The subscription's own connection is most likely as dead as the one that was asked.
          context.writers.replace(held)
          throw error
        })
        if (reached !== null) yield { records: [], reached, atHead: false }
      }
    }
  } finally {
    clearTimeout(deadline)
    // It rejects where the stream could never be opened, which `error` has told already.
    await subscription.unsubscribe().catch(() => {})
  }
}

/** What waits in the subscription, up to the place where it had caught up; null where nothing does. */
function take(
  subscription: AllStreamSubscription | StreamSubscription,
): { records: ParsedRecord[]; reached: Position | null; caughtUp: boolean } | null {
  const records: ParsedRecord[] = []
  let reached: Position | null = null
  let any = false
  while (records.length < buffered) {
    const item: unknown = subscription.read()
    if (item === null) break
    any = true
    if (item instanceof CaughtUp)
      return { records, reached: item.position ?? reached, caughtUp: true }
    if (item instanceof Checkpoint) {
      reached = item.position
      continue
    }
    const { event } = item as { event?: ParsedRecord }
    if (!event) continue
    records.push(event)
    if (event.position) reached = encodePosition(event.position.commit)
  }
  return any ? { records, reached, caughtUp: false } : null
}

async function newsOrPause(
  news: Promise<'news'>,
  milliseconds: number | null,
): Promise<'news' | 'pause'> {
  if (milliseconds === null) return news
  let timer: NodeJS.Timeout | undefined
  const pause = new Promise<'pause'>((resolve) => {
    timer = setTimeout(resolve, milliseconds, 'pause')
  })
  return Promise.race([news, pause]).finally(() => clearTimeout(timer))
}

/** The batches of a read, until it brings nothing for a while. */
async function* untilSilent<B>(
  read: (stop: AbortSignal) => AsyncIterable<B>,
  signal: AbortSignal,
): AsyncGenerator<B, void, undefined> {
  const controller = new AbortController()
  const onAbort = () => controller.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const batches = read(controller.signal)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = batches.next()
      let timer: NodeJS.Timeout | undefined
      const silence = new Promise<'silence'>((resolve) => {
        timer = setTimeout(resolve, silenceMs, 'silence')
      })
      const batch = await Promise.race([next, silence]).finally(() => clearTimeout(timer))
      if (batch === 'silence') {
        controller.abort()
        await next.catch(() => {})
        return
      }
      if (batch.done) return
      yield batch.value
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    controller.abort()
    await batches.return?.()
  }
}
