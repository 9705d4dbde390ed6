import type { RuleId } from '../rules.js'
import { type Order, Selection } from './order.js'
import type { CheckState } from './state.js'
import type { AllRead, AllReads } from './take-all-reads.js'

/** Every read of all, and every run of a subscription to all, against the order. */
export function judgeReads(state: CheckState, order: Order, reads: AllReads): void {
  const byFilter = new Map<string, AllRead[]>()
  for (const read of reads.all) {
    const key = read.filter === null ? '' : JSON.stringify(read.filter)
    const same = byFilter.get(key)
    if (same) same.push(read)
    else byFilter.set(key, [read])
  }
  // One filter after the other: what passes it is worked out once, and kept no longer than needed.
  for (const same of byFilter.values()) {
    const selection = new Selection(order, same[0]!.filter)
    for (const read of same) {
      const judge = new ReadJudge(state, order, selection, read)
      if (read.forwards) judge.forwards()
      else judge.backwards()
    }
  }
}

class ReadJudge {
  #caughtUp = false

  constructor(
    readonly state: CheckState,
    readonly order: Order,
    readonly selection: Selection,
    readonly read: AllRead,
  ) {}

  forwards(): void {
    const { state, order, selection, read } = this
    const { marks } = read
    let mark = 0
    // How many of the selected events lie below the next one; -1 while nobody knows where it began.
    let next =
      read.after === 'end' ? -1 : selection.below[read.after === null ? 0 : order.upTo(read.after)]!
    let last = -1
    for (let i = 0; i <= read.count; i++) {
      for (; mark < marks.length && marks[mark]!.after === i; mark++) {
        const looked = this.#mark(marks[mark]!, next, last)
        if (looked === -1) return
        next = looked
      }
      if (i === read.count) break
      const event = read.source.at(read.start + i)
      const place = this.#placeOf(event)
      if (place === -1) return
      if (next === -1) {
        if (!this.#afterEnd(event)) return
      } else if (place !== next) {
        if (place > next) this.#missed(selection.events[next]!, event, i)
        else this.#again(event, last)
        return
      } else if (read.filter === null) this.#sideBySide(last, event)
      next = place + 1
      last = event
    }
    if (read.subscription || !read.whole) return
    this.#endsWhole(last)
    this.#reaches(next)
    if (last !== -1) state.findings.examined('ALL-4', read.count)
  }

  backwards(): void {
    const { state, order, selection, read } = this
    const { events } = state
    const { after, required } = read
    // How many of the selected events lie where it may read.
    let most = selection.events.length
    // How many of them are still to come; -1 while nobody knows where it began.
    let left = -1
    if (after !== null && after !== 'end') {
      const known = events.byPosition.get(after)
      most = selection.below[known === undefined ? order.upTo(after) : order.rank[known]!]!
      const first = read.count > 0 ? this.#placeOf(read.source.at(read.start)) : -1
      if (read.settled || first >= most) left = most
    }
    let last = -1
    for (let i = 0; i < read.count; i++) {
      const event = read.source.at(read.start + i)
      const place = this.#placeOf(event)
      if (place === -1) return
      if (left === -1) {
        const held = required ? selection.below[order.upTo(required.position)]! : 0
        if (place + 1 < Math.min(held, most)) {
          this.#late(selection.events[Math.min(held, most) - 1]!)
          return
        }
        if (after === null) this.#endsWhole(event)
      } else if (place !== left - 1) {
        if (place < left - 1) this.#missed(selection.events[left - 1]!, event, i)
        else this.#again(event, last)
        return
      } else if (read.filter === null && last !== -1) this.#sideBySide(event, last)
      left = place
      last = event
    }
    if (!read.whole) return
    if (left > 0) this.#missed(selection.events[left - 1]!, last, read.count)
    else if (left === -1 && required && after === null) this.#reaches(0)
  }

  /** Its place among the selected events. */
  #placeOf(event: number): number {
    const { state, order, selection, read } = this
    if (!selection.has(event)) {
      state.findings.add(
        'ALL-7',
        `${state.events.name(event)} does not pass the filter ${JSON.stringify(read.filter)}.`,
        read.operation,
      )
      return -1
    }
    if (read.filter !== null) state.findings.examined('ALL-7')
    return selection.below[order.rank[event]!]!
  }

  /** A reader that is told to have looked up to a place was given everything below it. -1: it was not. */
  #mark(mark: AllRead['marks'][number], next: number, last: number): number {
    const { state, order, selection, read } = this
    const { findings, events } = state
    findings.examined('SUB-2')
    const looked = order.upTo(mark.position)
    const place = selection.below[looked]!
    const { required } = read
    if (mark.caughtUp && required && mark.position < required.position) {
      findings.add(
        'SUB-2',
        `A subscription said that it had caught up at ${mark.position}, although the order held ${required.position} before it was begun.`,
        required.operation,
        read.operation,
      )
      return -1
    }
    if (next === -1) {
      this.#caughtUp ||= mark.caughtUp
      return place
    }
    if (place < next) {
      // Where it began may lie above what anybody has seen; only what it gave counts.
      if (last === -1) return next
      findings.add(
        'SUB-5',
        `A subscription said that it had looked up to ${mark.position}, after it gave ${events.name(last)}: who goes on from there gets that again.`,
        read.operation,
      )
      return -1
    }
    if (place > next) {
      this.#missed(selection.events[next]!, order.events[looked - 1]!, mark.after)
      return -1
    }
    // Where it first caught up, it had read up to the head. Later a database that pushes one event after the other can't
    // know whether more of the same append is on its way.
    if (mark.caughtUp && !this.#caughtUp) this.#endsWhole(last)
    this.#caughtUp ||= mark.caughtUp
    return next
  }

  /** A subscription from the end gives nothing that the order surely held before. */
  #afterEnd(event: number): boolean {
    const { state, order, read } = this
    if (!read.required || order.rank[event]! >= order.upTo(read.required.position)) return true
    state.findings.add(
      'SUB-1',
      `A subscription from the end gave ${state.events.name(event)}, which was there before.`,
      read.required.operation,
      read.operation,
    )
    return false
  }

  /** A reader passed over an event: given `to` (or told that it had looked so far) without it. */
  #missed(missing: number, to: number, given: number): void {
    const { state, read } = this
    const { events, findings } = state
    const { operation } = read
    const since = read.subscription ? this.#givenAt(given) : operation.call
    // What a subscription passes over while others have it is its own fault, else that of the order.
    const there = Math.min(events.seenInAll[missing]!, events.acknowledged[missing]!)
    const early = there < operation.call
    let rule: RuleId
    if (read.subscription) rule = early || events.seenInAll[missing]! < since ? 'SUB-1' : 'ALL-4'
    else if (events.seenInAllBy[missing] === undefined && early) rule = 'APPEND-1'
    else if (events.seenInAll[missing]! < operation.call) rule = read.filter ? 'ALL-7' : 'ALL-1'
    else rule = 'ALL-4'
    findings.add(
      rule,
      `A reader of ${read.filter ? `all with filter ${JSON.stringify(read.filter)}` : 'all'} passed over ${events.name(missing)} on its way to ${to === -1 ? 'the end' : events.name(to)}.`,
      operation,
      events.seenInAllBy[missing],
      events.acknowledgedBy[missing],
    )
  }

  #givenAt(given: number): number {
    for (const { count, at } of this.read.deliveries) if (count > given) return at
    return this.read.operation.end
  }

  /** A reader was given an event that it had, or that lies before where it was. */
  #again(event: number, last: number): void {
    const { state, read } = this
    const { findings, events } = state
    const resumed = read.after !== null && last === -1
    findings.add(
      resumed ? (read.subscription ? 'SUB-5' : 'ALL-8') : read.subscription ? 'SUB-1' : 'ALL-1',
      last === -1
        ? `A reader that was to go on from ${read.after} was given ${events.name(event)}.`
        : `A reader was given ${events.name(event)} after ${events.name(last)}.`,
      read.operation,
    )
  }

  #sideBySide(before: number, event: number): void {
    const { order, read } = this
    const rank = order.rank[event]!
    if (before !== -1) order.adjacent[order.rank[before]!] = 1
    else if (rank === 0) order.beginsSeen ||= read.after === null
    else if (read.after !== null) order.adjacent[rank - 1] = 1
  }

  /** The end of the order is the end of an append: what of it passes the filter was given too (APPEND-2). */
  #endsWhole(last: number): void {
    const { state, selection, read } = this
    const { events, findings } = state
    if (last === -1 || events.mayEndAppend(last)) return
    const writer = events.writer[last]!
    findings.examined('APPEND-2')
    for (let i = events.version[last]! + 1; i < events.start[last]! + writer.ids.length; i++) {
      const sibling = writer.stream.events.get(i)
      if (sibling === undefined || !selection.has(sibling)) continue
      findings.add(
        'APPEND-2',
        `The order ended for a reader with ${events.name(last)}, in the middle of an append.`,
        read.operation,
        writer.attempts.find(({ operation }) => !operation.failed)?.operation,
      )
      return
    }
  }

  /** A read that ended at the head has everything that the order held when nothing was in flight (ALL-5). */
  #reaches(next: number): void {
    const { state, order, selection, read } = this
    if (!read.required) return
    state.findings.examined('ALL-5')
    const reached = selection.below[order.upTo(read.required.position)]!
    if (next < reached) this.#late(selection.events[next]!)
  }

  #late(missing: number): void {
    const { state, read } = this
    const { events, findings } = state
    findings.add(
      'ALL-5',
      `A reader of all that was begun when nothing was in flight does not have ${events.name(missing)}.`,
      read.required?.operation,
      events.acknowledgedBy[missing],
      read.operation,
    )
  }
}
