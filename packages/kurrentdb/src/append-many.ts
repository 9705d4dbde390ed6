import {
  type AppendRequest,
  type AppendResult,
  CorruptError,
  DuplicateEventIdError,
  InvalidArgumentError,
  isEventStoreError,
} from '@annals/core'
import type {
  EventData,
  WrongExpectedVersionError as ServerConflict,
  StreamTombstonedError,
} from '@kurrent/kurrentdb-client'
import { conflict, deleted, holds, streamStateOf, toEventData } from './append.js'
import { withDeadline } from './client.js'
import type { Context } from './context.js'
import { encodePosition } from './positions.js'
import { readStream } from './read.js'
import { wrappedKey } from './records.js'
import { kindOf } from './translate-error.js'

/** Several streams in one atomic append: servers from 25.1 on. */
export async function appendMany(
  context: Context,
  requests: readonly AppendRequest[],
  signal: AbortSignal,
): Promise<readonly AppendResult[]> {
  const names = requests.map(({ streamId }) => context.names.toName(streamId))
  // This part of the server compares names without regard to case, and takes each stream once.
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length)
    throw new InvalidArgumentError(
      'appends',
      'names two streams that differ only in upper and lower case, which KurrentDB does not take in one append to several streams',
    )
  const { writers, deadlineMs } = context
  const held = writers.acquire()
  try {
    const result = await withDeadline(
      held.client.multiStreamAppend(
        requests.map(({ events, expected }, i) => ({
          streamName: names[i]!,
          expectedState: streamStateOf(expected),
          events: events.map(toWrappedEvent),
        })),
      ),
      deadlineMs,
      'the append to several streams',
    )
    const { position, responses = [] } = result
    return await Promise.all(
      requests.map(async (request, i) => {
        const revision = responses.find(({ streamName }) => streamName === names[i])?.revision
        if (revision === undefined || position === undefined)
          throw new CorruptError(`KurrentDB gave no revision for stream ${names[i]}.`)
        const version = Number(revision) + 1
        // The server gives the position of the last event of all; those of the other streams' last events it keeps.
        return i === requests.length - 1
          ? { version, position: encodePosition(position) }
          : await resultAt(context, request.streamId, version, signal)
      }),
    )
  } catch (error) {
    if (isEventStoreError(error)) throw error
    const named = (streamName: string) => requests[names.indexOf(streamName)] ?? requests[0]!
    switch (kindOf(error)) {
      case 'WrongExpectedVersionError': {
        const { streamName, actualState } = error as ServerConflict
        const request = named(streamName)
        const { streamId, expected, events } = request
        // A repeat of one part beside other parts that are new is no conflict, but a use of known ids.
        if (
          typeof expected === 'number' &&
          (await holds(context, streamId, expected + 1, events, signal))
        )
          throw new DuplicateEventIdError(streamId, [events[0]!.id], { cause: error })
        throw conflict(
          request,
          typeof actualState === 'bigint' ? Number(actualState) + 1 : 0,
          error,
        )
      }
      case 'StreamTombstonedError':
        throw await deleted(context, named((error as StreamTombstonedError).stream), error)
      case undefined:
        writers.replace(held)
    }
    // 25.1 cannot say which expectation was not met where parts that are repeats stand beside new ones; it answers "13
    // INTERNAL: … failed to map error: Index was outside the bounds of the array", which the client takes for an outage.
    const known = /^13 INTERNAL/.test((error as Error).message)
      ? await repeatBesideNew(context, requests, signal)
      : undefined
    if (known)
      throw new DuplicateEventIdError(known.streamId, [known.events[0]!.id], { cause: error })
    throw error
  } finally {
    writers.release(held)
  }
}

/**
 * A part that was written before, where another was not. The parts of one append are written together, so what is there came
 * by another append, and this one can never be written. Looked at in this order, so that one which is being written while
 * we look is not taken for it.
 */
async function repeatBesideNew(
  context: Context,
  requests: readonly AppendRequest[],
  signal: AbortSignal,
): Promise<AppendRequest | undefined> {
  const isThere = ({ streamId, expected, events }: AppendRequest) =>
    typeof expected === 'number' && holds(context, streamId, expected + 1, events, signal)
  let known: AppendRequest | undefined
  for (const request of requests) {
    if (await isThere(request)) {
      known = request
      break
    }
  }
  if (!known) return undefined
  for (const request of requests) if (!(await isThere(request))) return known
  return undefined
}

async function resultAt(
  context: Context,
  streamId: string,
  version: number,
  signal: AbortSignal,
): Promise<AppendResult> {
  const query = { streamId, direction: 'forwards', fromVersion: version, limit: 1, signal } as const
  for await (const [event] of readStream(context, query))
    if (event?.version === version) return { version, position: event.position }
  throw new CorruptError(
    `KurrentDB acknowledged version ${version} of stream ${streamId}, but does not give its event.`,
  )
}

function toWrappedEvent(event: AppendRequest['events'][number]): EventData {
  return { ...toEventData(event), metadata: { [wrappedKey]: event.metadata } } as EventData
}
