import { createRequire } from 'node:module'
import type { Capabilities } from '@annals/core'
import type { ConformanceReport } from '../run.js'
import type { Outcome } from '../run-case.js'

/** One operation of a counterexample, to be drawn. Times are of one clock, in any unit. */
export interface TimelineOperation {
  readonly process: string
  readonly start: number
  /** Null: it never answered. */
  readonly end: number | null
  readonly text: string
}

export interface CaseRecord {
  readonly id: string
  readonly rule: string
  readonly title: string
  readonly outcome: Outcome
  readonly reason?: string
  readonly error?: string
  readonly timeline?: readonly TimelineOperation[]
  readonly milliseconds: number
}

/** What a soak found: histories of many processes under faults, judged by the history checker. */
export interface SoakRecord {
  readonly seed: number
  readonly minutes: number
  readonly operations: number
  readonly eventsChecked: number
  readonly faults: Readonly<Record<string, number>>
  readonly checks: Readonly<Record<string, number>>
  readonly anomalies: readonly {
    readonly rule: string
    readonly message: string
    readonly timeline: readonly TimelineOperation[]
  }[]
}

/**
 * One run of the suite over one store, as plain JSON: what every report is made from, and what is kept to be set beside
 * other runs.
 */
export interface RunRecord {
  readonly annals: 'conformance-run'
  readonly version: 1
  /** The store, its server, and where the server came from. */
  readonly store: string
  readonly level: string
  readonly startedAt: string
  readonly milliseconds: number
  readonly suiteVersion: string
  readonly node: string
  /** How often the cases whose result may depend on timing were run. */
  readonly repeat: number
  readonly seed?: number
  readonly capabilities?: Capabilities
  readonly results: readonly CaseRecord[]
  readonly problems: readonly string[]
  readonly ok: boolean
  readonly soak?: SoakRecord
}

const { version: suiteVersion } = createRequire(import.meta.url)('../../package.json') as {
  version: string
}

/** The record of a report. */
export function recordOf(
  report: ConformanceReport,
  about: Pick<RunRecord, 'startedAt' | 'milliseconds' | 'repeat'> &
    Partial<Pick<RunRecord, 'seed' | 'capabilities' | 'soak'>>,
): RunRecord {
  return {
    annals: 'conformance-run',
    version: 1,
    store: report.harness,
    level: report.level,
    suiteVersion,
    node: process.version,
    ...about,
    results: report.results.map(({ error, ...result }) => ({
      ...result,
      ...(error ? { error: error.message } : {}),
    })),
    problems: report.problems,
    ok: report.ok && (about.soak?.anomalies.length ?? 0) === 0,
  }
}

/** Reads a record that was kept; throws where the text is none. */
export function parseRecord(text: string): RunRecord {
  const record = JSON.parse(text) as Partial<RunRecord> | null
  if (record?.annals !== 'conformance-run') throw new Error('this is not the record of a run')
  if (record.version !== 1) {
    throw new Error(
      `this record is of version ${String(record.version)}; this suite knows version 1`,
    )
  }
  return record as RunRecord
}

/** What a run says of a rule, in one word. */
export type Verdict =
  | 'proven'
  | 'partly proven'
  | 'failed'
  | 'known failure'
  | 'not proven'
  | 'not offered'
  | 'not run'

export function verdictOf(results: readonly Pick<CaseRecord, 'outcome'>[]): Verdict {
  const has = (outcome: Outcome) => results.some((result) => result.outcome === outcome)
  if (results.length === 0) return 'not run'
  if (has('failed')) return 'failed'
  if (has('knownFailure')) return 'known failure'
  if (has('passed')) return has('notProven') ? 'partly proven' : 'proven'
  return has('notProven') ? 'not proven' : 'not offered'
}

/** A run's results of one rule. A soak's findings count as results of the rules that it held against the history. */
export function resultsOf(run: RunRecord, rule: string): readonly CaseRecord[] {
  return run.results.filter((result) => result.rule === rule)
}
