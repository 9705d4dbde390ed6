import type { CallLine, GotLine, ReturnLine } from './format.js'
import type { Operation } from './operation.js'
import type { CheckState } from './state.js'
import type { Floor, StreamState } from './tables.js'

type ReadCall = CallLine & { do: 'readStream' }
type SubscribeCall = CallLine & { do: 'subscribeToStream' }

export interface PendingStreamRead {
  readonly stream: StreamState
  readonly floor: Floor
}

export interface StreamSubscription extends PendingStreamRead {
  /** The version given last, or where it began; undefined until that is known. */
  last: number | undefined
  /** Something is wrong with it; what follows would only repeat it. */
  broken: boolean
}

export function streamReadCalled(state: CheckState, stream: string): PendingStreamRead {
  const of = state.stream(stream)
  return { stream: of, floor: state.floorOf(of) }
}

/** READ-1, READ-2 and APPEND-4, as far as one read shows them. Whole appends (APPEND-2) are checked at the end. */
export function streamReadReturned(
  state: CheckState,
  operation: Operation,
  call: ReadCall,
  { stream, floor }: PendingStreamRead,
  line: ReturnLine,
): void {
  const { findings } = state
  const given = line.events ?? []
  const limit = call.limit ?? Number.POSITIVE_INFINITY
  const forwards = call.direction === 'forwards'
  const whole = line.outcome === 'ok' && line.end === 'itself'
  operation.given = given.length
  findings.examined('READ-1')
  if (given.length > limit) {
    findings.add('READ-1', `A read with limit ${limit} gave ${given.length} events.`, operation)
    return
  }
  for (const seen of given) state.observe(seen, operation, operation.end, false)
  if (given.some(([name]) => name !== stream.name)) {
    findings.add('READ-1', 'A read of one stream gave an event of another.', operation)
    return
  }
  const step = forwards ? 1 : -1
  for (let i = 1; i < given.length; i++) {
    if (given[i]![1] === given[i - 1]![1] + step) continue
    const gap = forwards ? given[i]![1] > given[i - 1]![1] : given[i]![1] < given[i - 1]![1]
    findings.add(
      gap ? 'APPEND-4' : 'READ-1',
      `A read of ${JSON.stringify(stream.name)} gave version ${given[i]![1]} after version ${given[i - 1]![1]}.`,
      operation,
    )
    return
  }
  if (given.length > 0 || whole) {
    if (forwards) forwardsEnds(state, operation, call, stream, floor, given, limit, whole)
    else backwardsEnds(state, operation, call, stream, floor, given, limit, whole)
  }
  const highest = given.length === 0 ? 0 : Math.max(given[0]![1], given[given.length - 1]![1])
  if (highest > 0) state.later(operation.end, () => state.raiseFloor(stream, highest, operation))
}

type Given = NonNullable<ReturnLine['events']>

function forwardsEnds(
  state: CheckState,
  operation: Operation,
  call: ReadCall,
  stream: StreamState,
  floor: Floor,
  given: Given,
  limit: number,
  whole: boolean,
): void {
  const from = Math.max(call.from ?? 1, 1)
  const first = given[0]?.[1] ?? from
  if (first !== from) {
    state.findings.add(
      first > from ? 'APPEND-4' : 'READ-1',
      `A read of ${JSON.stringify(stream.name)} from version ${from} began with version ${first}.`,
      operation,
    )
    return
  }
  if (!whole || given.length === limit) return
  const last = from + given.length - 1
  state.findings.examined('READ-2')
  if (last < floor.version) {
    missesEnd(state, operation, stream, floor, last)
    return
  }
  if (given.length > 0 || from === 1) sawEnd(state, operation, stream, last)
}

function backwardsEnds(
  state: CheckState,
  operation: Operation,
  call: ReadCall,
  stream: StreamState,
  floor: Floor,
  given: Given,
  limit: number,
  whole: boolean,
): void {
  const from = call.from ?? Number.POSITIVE_INFINITY
  if (limit === 0) return
  const first = given[0]?.[1] ?? 0
  if (first > from) {
    state.findings.add(
      'READ-1',
      `A read of ${JSON.stringify(stream.name)} backwards from version ${from} began with version ${first}.`,
      operation,
    )
    return
  }
  state.findings.examined('READ-2')
  if (first < Math.min(from, floor.version)) {
    missesEnd(state, operation, stream, floor, first)
    return
  }
  if (first < from) sawEnd(state, operation, stream, first)
  const last = given[given.length - 1]?.[1] ?? 1
  if (whole && given.length < limit && last !== 1) {
    state.findings.add(
      'APPEND-4',
      `A read of ${JSON.stringify(stream.name)} backwards to the beginning ended at version ${last}.`,
      operation,
    )
  }
}

function missesEnd(
  state: CheckState,
  operation: Operation,
  stream: StreamState,
  floor: Floor,
  last: number,
): void {
  // Acknowledged, or seen by an earlier reader: gone again is lost.
  const acknowledged = floor.operation && floor.operation.parts.length > 0
  state.findings.add(
    acknowledged ? 'READ-2' : 'APPEND-1',
    `A reader saw ${JSON.stringify(stream.name)} end at version ${last}, but it was at ${floor.version} before the read was begun.`,
    floor.operation,
    operation,
  )
}

/** A reader saw a stream end at this version: an append must end there (APPEND-2), which is checked at the end. */
export function sawEnd(
  state: CheckState,
  operation: Operation,
  stream: StreamState,
  version: number,
): void {
  if (!stream.tail || stream.tail.operation.call < operation.call) {
    stream.tail = { operation, version }
  }
  if (version > 0) state.versionSightings.push({ operation, stream, version })
}

export function versionReturned(
  state: CheckState,
  operation: Operation,
  { stream, floor }: PendingStreamRead,
  line: ReturnLine,
): void {
  if (line.outcome !== 'ok' || typeof line.version !== 'number') return
  const { version } = line
  operation.answer = version
  state.findings.examined('READ-2')
  if (version < floor.version) {
    state.findings.add(
      'READ-2',
      `streamVersion of ${JSON.stringify(stream.name)} is ${version}, but it was at ${floor.version} before the call.`,
      floor.operation,
      operation,
    )
    return
  }
  sawEnd(state, operation, stream, version)
  state.later(operation.end, () => state.raiseFloor(stream, version, operation))
}

export function streamSubscribed(state: CheckState, call: SubscribeCall): StreamSubscription {
  return {
    ...streamReadCalled(state, call.stream),
    last: call.after === 'end' ? undefined : call.after,
    broken: false,
  }
}

export function streamGot(
  state: CheckState,
  operation: Operation,
  subscription: StreamSubscription,
  line: GotLine,
): void {
  const { findings } = state
  const { stream, floor } = subscription
  for (const seen of line.events ?? []) {
    const version = seen[1]
    operation.given = (operation.given ?? 0) + 1
    state.observe(seen, operation, line.at, false)
    if (subscription.broken) continue
    findings.examined('SUB-1')
    if (seen[0] !== stream.name) {
      findings.add('SUB-1', 'A subscription to one stream gave an event of another.', operation)
      subscription.broken = true
      continue
    }
    const { last } = subscription
    const expected = last === undefined ? undefined : last + 1
    // From the end: what was surely there before is the past.
    if (expected === undefined ? version <= floor.version : version !== expected) {
      const resumed = operation.given === 1 && last !== undefined && last > 0 && version <= last
      findings.add(
        resumed ? 'SUB-5' : 'SUB-1',
        expected === undefined
          ? `A subscription from the end of ${JSON.stringify(stream.name)} gave version ${version}, which was there before.`
          : `A subscription to ${JSON.stringify(stream.name)} gave version ${version} where ${expected} was next.`,
        state.events.witness(stream.events.get(expected ?? version) ?? -1),
        operation,
      )
      subscription.broken = true
      continue
    }
    subscription.last = version
  }
  const { caughtUp } = line
  if (typeof caughtUp !== 'number' || subscription.broken) return
  findings.examined('SUB-2')
  const last = subscription.last ?? caughtUp
  if (caughtUp !== last || caughtUp < floor.version) {
    findings.add(
      'SUB-2',
      caughtUp === last
        ? `A subscription said that it had caught up at version ${caughtUp} of ${JSON.stringify(stream.name)}, which was at ${floor.version} before it was begun.`
        : `A subscription said that it had caught up at version ${caughtUp} of ${JSON.stringify(stream.name)} after it gave version ${last}.`,
      floor.operation,
      operation,
    )
    subscription.broken = true
    return
  }
  subscription.last = last
}
