import { judgeReads } from './judge-reads.js'
import { Order } from './order.js'
import type { CheckState } from './state.js'
import type { StreamState } from './tables.js'
import type { AllReads } from './take-all-reads.js'

/** The one global order, what readers saw of it, and what it must agree with. */
export function judgeOrder(state: CheckState, reads: AllReads): void {
  const order = new Order(state.events)
  judgeReads(state, order, reads)
  judgeStreams(state, order)
  judgeAdjacent(state, order)
  judgeTime(state, order)
  judgeHeads(state, order, reads)
}

/** The order of each stream's events is that of their versions (ALL-2), and none was passed over (APPEND-1, APPEND-4). */
function judgeStreams(state: CheckState, order: Order): void {
  const { events, findings } = state
  // How many pairs up to this rank were seen side by side.
  const sideBySide = new Int32Array(order.length + 1)
  for (let rank = 0; rank < order.length; rank++) {
    sideBySide[rank + 1] = sideBySide[rank]! + order.adjacent[rank]!
  }
  const last = new Map<StreamState, number>()
  for (let rank = 0; rank < order.length; rank++) {
    const event = order.events[rank]!
    const stream = events.stream[event]!
    const before = last.get(stream)
    const version = events.version[event]!
    const versionBefore = before === undefined ? 0 : events.version[before]!
    if (before !== undefined) findings.examined('ALL-2')
    if (version <= versionBefore) {
      findings.add(
        'ALL-2',
        `${events.name(event)} comes after ${events.name(before!)} in the global order.`,
        events.witness(before!),
        events.witness(event),
      )
      continue
    }
    last.set(stream, event)
    if (version === versionBefore + 1) continue
    // Something is missing between the two. Was everything between them seen?
    const from = before === undefined ? 0 : order.rank[before]!
    const seenAll =
      sideBySide[rank]! - sideBySide[from]! === rank - from &&
      (before !== undefined || order.beginsSeen)
    if (!seenAll) continue
    const missing = stream.events.get(versionBefore + 1)
    const sure = missing !== undefined && (events.acknowledgedBy[missing] ?? events.seenBy[missing])
    findings.add(
      sure ? 'APPEND-1' : missing !== undefined ? 'APPEND-2' : 'APPEND-4',
      `Readers of all were given version ${version} of ${JSON.stringify(stream.name)} after version ${versionBefore}, and nothing of it between.`,
      events.seenInAllBy[event],
      missing === undefined ? undefined : events.witness(missing),
    )
  }
}

/** Nothing stands between the events of one append (APPEND-2). */
function judgeAdjacent(state: CheckState, order: Order): void {
  const { events, findings } = state
  for (let rank = 0; rank + 1 < order.length; rank++) {
    const event = order.events[rank]!
    if (events.mayEndAppend(event)) continue
    const sibling = events.stream[event]!.events.get(events.version[event]! + 1)
    findings.examined('APPEND-2')
    const next = order.events[rank + 1]!
    if (sibling === undefined || sibling === next || order.rank[sibling] === -1) continue
    findings.add(
      'APPEND-2',
      `${events.name(next)} stands between two events of one append, ${events.name(event)} and ${events.name(sibling)}.`,
      events.writer[event]!.attempts.find(({ operation }) => !operation.failed)?.operation,
      events.witness(next),
    )
  }
}

/** What was done before something else was begun comes first (ALL-3), and nothing arrives late (ALL-4). */
function judgeTime(state: CheckState, order: Order): void {
  const { events, findings } = state
  // Of the events so far, the one that was begun last.
  let latest = -1
  for (let rank = 0; rank < order.length; rank++) {
    const event = order.events[rank]!
    if (latest === -1 || events.begin[event]! > events.begin[latest]!) latest = event
    findings.examined('ALL-3')
    const begin = events.begin[latest]!
    if (events.acknowledged[event]! < begin) {
      findings.add(
        'ALL-3',
        `${events.name(event)} was acknowledged before ${events.name(latest)} was begun, but comes after it.`,
        events.acknowledgedBy[event],
        firstAttempt(state, latest),
      )
    } else if (events.seenInAll[event]! < begin) {
      findings.add(
        'ALL-4',
        `A reader of all had ${events.name(event)} before ${events.name(latest)}, which comes before it, was begun.`,
        events.seenInAllBy[event],
        firstAttempt(state, latest),
      )
    }
  }
}

function firstAttempt(state: CheckState, event: number) {
  const { id, stream } = state.events
  return stream[event]!.groupsWith(id[event]!)
    .flatMap((group) => group.attempts)
    .find(({ operation }) => !operation.failed)?.operation
}

/** `headPosition` is where an append ends. */
function judgeHeads(state: CheckState, order: Order, reads: AllReads): void {
  const { events, findings } = state
  for (const { operation, position } of reads.heads) {
    const event = events.byPosition.get(position)
    if (event === undefined) {
      // Perhaps an event that only this call has seen; unless readers saw that nothing is there.
      const below = order.upTo(position) - 1
      if (below < 0 || order.adjacent[below] !== 1 || state.prefix !== '') continue
      findings.add(
        'ALL-1',
        `headPosition is ${position}, where readers of all saw no event.`,
        operation,
        events.seenInAllBy[order.events[below]!],
      )
      continue
    }
    findings.examined('APPEND-2')
    if (events.begin[event]! > operation.end) {
      findings.add(
        'ALL-3',
        `headPosition is that of ${events.name(event)} before that was appended.`,
        operation,
        firstAttempt(state, event),
      )
    } else if (!events.mayEndAppend(event)) {
      findings.add(
        'APPEND-2',
        `headPosition is that of ${events.name(event)}, in the middle of an append.`,
        operation,
        firstAttempt(state, event),
      )
    }
  }
}
