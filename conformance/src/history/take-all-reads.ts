import type { Filter, Position } from '@annals/core'
import type { CallLine, GotLine, Micros, ReturnLine, SeenEvent } from './format.js'
import { Numbers } from './numbers.js'
import type { Operation } from './operation.js'
import type { CheckState, Required } from './state.js'

/** A read of all, or a run of a subscription to all: judged when the whole order is known. */
export interface AllRead {
  readonly operation: Operation
  readonly forwards: boolean
  readonly subscription: boolean
  /** Null: from the end where the reading starts. 'end' of subscriptions: not known. */
  readonly after: Position | null | 'end'
  readonly filter: Filter | null
  /** What it must reach if it ends at the head (ALL-5). */
  readonly required: Required | undefined
  /** Backwards: whether everything below `after` was fixed when the read began (ALL-4). */
  readonly settled: boolean
  /** The events given, as a slice of `AllReads.given`, or of its own for a subscription. */
  readonly source: Numbers
  start: number
  count: number
  /** It ended by itself and not at its limit: it reached the end of the order. */
  whole: boolean
  /** Of subscriptions: what it gave last. */
  last: SeenEvent | undefined
  /** Something is wrong with it, so that what follows is not judged. */
  broken: boolean
  /** Of subscriptions: how far it said that it had looked, after so many events. */
  marks: { readonly after: number; readonly position: Position; readonly caughtUp: boolean }[]
  /** Of subscriptions: when so many events had been given. */
  deliveries: { readonly count: number; readonly at: Micros }[]
}

/** Shared by all reads that are no subscriptions: there are many, and they have no marks. */
const none: never[] = []

export class AllReads {
  readonly all: AllRead[] = []
  readonly given = new Numbers()
  /** What `headPosition` answered. */
  readonly heads: { readonly operation: Operation; readonly position: Position }[] = []
}

export function readAllCalled(
  state: CheckState,
  reads: AllReads,
  operation: Operation,
  call: CallLine & { do: 'readAll' },
): AllRead {
  return {
    operation,
    forwards: call.direction === 'forwards',
    subscription: false,
    after: call.after ?? null,
    filter: call.filter ?? null,
    required: state.required,
    settled:
      call.after !== undefined &&
      state.highestGiven !== undefined &&
      call.after <= state.highestGiven,
    source: reads.given,
    start: 0,
    count: 0,
    whole: false,
    last: undefined,
    broken: false,
    marks: none,
    deliveries: none,
  }
}

export function readAllReturned(
  state: CheckState,
  reads: AllReads,
  read: AllRead,
  limit: number | undefined,
  line: ReturnLine,
): void {
  const { operation } = read
  const given = line.events ?? []
  operation.given = given.length
  state.findings.examined('ALL-1')
  if (limit !== undefined && given.length > limit) {
    state.findings.add(
      'ALL-8',
      `A read with limit ${limit} gave ${given.length} events.`,
      operation,
    )
    return
  }
  read.start = reads.given.length
  let highest: Position | undefined
  for (let i = 0; i < given.length; i++) {
    const seen = given[i]!
    if (i > 0 && inOrder(given[i - 1]!, seen) !== read.forwards) {
      outOfOrder(state, read, given[i - 1]!, seen)
      break
    }
    if (!seen[0].startsWith(state.prefix)) continue
    const event = state.observe(seen, operation, operation.end, true)
    // Said already what is wrong with it; the rest of the read can't be held against the order.
    if (event === -1) break
    reads.given.push(event)
    if (highest === undefined || seen[2] > highest) highest = seen[2]
  }
  read.count = reads.given.length - read.start
  const foreign = given.some(([stream]) => !stream.startsWith(state.prefix))
  read.whole =
    line.outcome === 'ok' &&
    line.end === 'itself' &&
    given.length !== limit &&
    (read.count === given.length || foreign)
  reads.all.push(read)
  giveTo(state, operation.end, highest)
}

/** Whether b lies above a. An event that comes twice is neither above nor below. */
function inOrder(a: SeenEvent, b: SeenEvent): boolean | 'same' {
  return a[2] === b[2] ? 'same' : a[2] < b[2]
}

function outOfOrder(state: CheckState, read: AllRead, a: SeenEvent, b: SeenEvent): void {
  state.findings.add(
    read.subscription ? 'SUB-1' : 'ALL-1',
    `A reader was given ${a[2]} and then ${b[2]}${a[2] === b[2] ? ', the same event' : ''}.`,
    read.operation,
  )
}

function giveTo(state: CheckState, at: Micros, highest: Position | undefined): void {
  if (highest === undefined) return
  state.later(at, () => {
    if (state.highestGiven === undefined || highest > state.highestGiven)
      state.highestGiven = highest
  })
}

export function allSubscribed(
  state: CheckState,
  operation: Operation,
  call: CallLine & { do: 'subscribeToAll' },
): AllRead {
  return {
    operation,
    forwards: true,
    subscription: true,
    after: call.after === 'start' ? null : call.after,
    filter: call.filter ?? null,
    required: state.required,
    settled: false,
    source: new Numbers(16),
    start: 0,
    count: 0,
    whole: false,
    last: undefined,
    broken: false,
    marks: [],
    deliveries: [],
  }
}

export function allGot(state: CheckState, read: AllRead, line: GotLine): void {
  const { operation } = read
  let highest: Position | undefined
  for (const seen of line.events ?? []) {
    operation.given = (operation.given ?? 0) + 1
    if (read.broken) continue
    if (read.last && inOrder(read.last, seen) !== true) {
      outOfOrder(state, read, read.last, seen)
      read.broken = true
      continue
    }
    read.last = seen
    if (!seen[0].startsWith(state.prefix)) continue
    const event = state.observe(seen, operation, line.at, true)
    // Said already what is wrong with it; the rest can't be held against the order.
    if (event === -1) {
      read.broken = true
      continue
    }
    read.source.push(event)
    read.count++
    if (highest === undefined || seen[2] > highest) highest = seen[2]
  }
  if (line.events && line.events.length > 0) {
    read.deliveries.push({ count: read.count, at: line.at })
  }
  giveTo(state, line.at, highest)
  if (read.broken) return
  const mark = typeof line.caughtUp === 'string' ? line.caughtUp : line.progress
  if (mark === undefined) return
  read.marks.push({
    after: read.count,
    position: mark,
    caughtUp: line.caughtUp !== undefined,
  })
}

export function headReturned(
  state: CheckState,
  reads: AllReads,
  operation: Operation,
  required: Required | undefined,
  line: ReturnLine,
): void {
  if (line.outcome !== 'ok' || line.position === undefined) return
  operation.answer = line.position
  state.findings.examined('ALL-5')
  // A history of some streams only can't say what the head of all must be, but it can say how far at least.
  if (required && (line.position === null || line.position < required.position)) {
    state.findings.add(
      'ALL-5',
      `headPosition is ${line.position}, although the order held ${required.position} before, when nothing was in flight.`,
      required.operation,
      operation,
    )
    return
  }
  if (line.position !== null) reads.heads.push({ operation, position: line.position })
}
