import type { RuleId } from './rules.js'

/** A store with one defect, which the suite is known to find (test/mutants.test.ts proves it). */
export interface MutantEntry {
  readonly name: string
  /** The rule that it breaks: at least one of that rule's cases fails on it. */
  readonly rule: RuleId
  readonly defect: string
}

export const mutants: readonly MutantEntry[] = []
