import type { RuleId } from '../rules.js'
import type { HistoryHeader } from './format.js'
import type { Violation } from './violations.js'

export interface HistoryCounts {
  lines: number
  processes: number
  operations: number
  ok: number
  failed: number
  unknown: number
  /** Without a return: their process died, or the log ends before. */
  unanswered: number
  appends: number
  /** Reads of streams, of all, of versions and of the head. */
  reads: number
  /** Events that reads gave. */
  read: number
  subscriptions: number
  /** Events that subscriptions gave. */
  delivered: number
  checkpoints: number
  snapshots: number
  streams: number
  /** Different events that anything spoke of. */
  events: number
  /** Faults that the log tells of. */
  faults: number
}

export function emptyCounts(): HistoryCounts {
  return {
    lines: 0,
    processes: 0,
    operations: 0,
    ok: 0,
    failed: 0,
    unknown: 0,
    unanswered: 0,
    appends: 0,
    reads: 0,
    read: 0,
    subscriptions: 0,
    delivered: 0,
    checkpoints: 0,
    snapshots: 0,
    streams: 0,
    events: 0,
    faults: 0,
  }
}

export interface HistoryVerdict {
  /** Nothing in the history contradicts the contract. */
  readonly ok: boolean
  readonly header: HistoryHeader
  /** At most ten of each rule, in the order in which they were found. */
  readonly violations: readonly Violation[]
  readonly violationCount: number
  readonly violationsByRule: Readonly<Partial<Record<RuleId, number>>>
  /** How often each rule was held against something. */
  readonly checks: Readonly<Partial<Record<RuleId, number>>>
  readonly counts: Readonly<HistoryCounts>
  readonly milliseconds: number
}
