import type { TimelineOperation } from '../reports/run-record.js'
import type { RuleId } from '../rules.js'
import type { Operation } from './operation.js'

/** A rule that the history breaks, and the few operations that contradict each other. */
export interface Violation {
  readonly rule: RuleId
  readonly message: string
  readonly operations: readonly string[]
  /** The same, to be drawn. */
  readonly timeline: readonly TimelineOperation[]
  /** Where they stand in the log, from 1. */
  readonly lines: readonly number[]
}

/** Violations of one rule that are kept; further ones are only counted. */
const keptPerRule = 10

/** Collects what is found, and how often each rule was held against something. */
export class Findings {
  readonly violations: Violation[] = []
  readonly counts = new Map<RuleId, number>()
  readonly checked = new Map<RuleId, number>()
  total = 0

  constructor(readonly onViolation?: (violation: Violation) => void) {}

  add(rule: RuleId, message: string, ...operations: (Operation | undefined)[]): void {
    this.total++
    const count = (this.counts.get(rule) ?? 0) + 1
    this.counts.set(rule, count)
    if (count > keptPerRule) return
    const involved = [...new Set(operations.filter((op) => op !== undefined))]
    const violation: Violation = {
      rule,
      message,
      operations: involved.map(String),
      timeline: involved.map((op) => ({
        process: op.process,
        start: op.call,
        end: Number.isFinite(op.end) ? op.end : null,
        text: String(op),
      })),
      lines: involved.flatMap((op) => (op.endLine > 0 ? [op.callLine, op.endLine] : [op.callLine])),
    }
    this.violations.push(violation)
    this.onViolation?.(violation)
  }

  /** Counts a check of a rule, whatever comes of it: the evidence behind a green result. */
  examined(rule: RuleId, times = 1): void {
    this.checked.set(rule, (this.checked.get(rule) ?? 0) + times)
  }
}
