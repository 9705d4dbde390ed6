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
  /** How long the store was loaded, as it was asked for. */
  readonly minutes: number
  readonly rounds: number
  readonly operations: number
  readonly eventsChecked: number
  /** Appends whose outcome their caller never learnt. */
  readonly unknownOutcomes: number
  /** How often each kind of fault was made. */
  readonly faults: Readonly<Record<string, number>>
  /** Kinds of faults that could not be made, because the harness lacks what they need. */
  readonly faultsMissing: readonly string[]
  /** How often each rule was held against what was observed. */
  readonly checks: Readonly<Record<string, number>>
  /** How many anomalies there were of each rule. */
  readonly anomaliesByRule: Readonly<Record<string, number>>
  /** The first of them. */
  readonly anomalies: readonly AnomalyRecord[]
  /** The files of the histories with anomalies, where they were written. */
  readonly histories: readonly string[]
}

export interface AnomalyRecord {
  readonly rule: string
  readonly message: string
  readonly timeline: readonly TimelineOperation[]
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
    Partial<Pick<RunRecord, 'seed'>>,
): RunRecord {
  return {
    annals: 'conformance-run',
    version: 1,
    store: report.harness,
    level: report.level,
    suiteVersion,
    node: process.version,
    ...(report.capabilities && { capabilities: report.capabilities }),
    ...about,
    results: report.results.map(({ error, ...result }) => ({
      ...result,
      ...(error ? { error: error.message } : {}),
    })),
    problems: report.problems,
    ok: report.ok,
  }
}

/** The record of a soak alone: no case was run. `soak` is missing where it did not come to its end: see the problems. */
export function soakRunRecord(
  store: string,
  found: Found,
  about: Pick<RunRecord, 'startedAt' | 'milliseconds'>,
): RunRecord {
  return withSoak(
    {
      annals: 'conformance-run',
      version: 1,
      store,
      level: '',
      suiteVersion,
      node: process.version,
      repeat: 1,
      ...about,
      results: [],
      problems: [],
      ok: true,
    },
    found,
  )
}

/** What came of a soak. */
export type Found = Pick<RunRecord, 'soak' | 'problems'>

/** A record with what a soak of the same store found. */
export function withSoak(run: RunRecord, { soak, problems }: Found): RunRecord {
  return {
    ...run,
    level: run.level === '' ? soakAlone : `${run.level} + soak`,
    problems: [...run.problems, ...problems],
    ok: run.ok && problems.length === 0 && anomaliesOf(soak) === 0,
    ...(soak && { soak }),
  }
}

const soakAlone = 'soak'

/**
 * Joins a record of a soak alone with the first record of the same store that has cases and no soak: then one column
 * shows both. Everything else stays as it is, in its order.
 */
export function joinSoaks(runs: readonly RunRecord[]): readonly RunRecord[] {
  const joined = runs.filter((run) => run.level !== soakAlone)
  const alone: RunRecord[] = []
  for (const soak of runs.filter((run) => run.level === soakAlone)) {
    const at = joined.findIndex((run) => run.store === soak.store && run.soak === undefined)
    const run = joined[at]
    if (run === undefined) alone.push(soak)
    else {
      const milliseconds = run.milliseconds + soak.milliseconds
      joined[at] = withSoak({ ...run, milliseconds }, soak)
    }
  }
  return [...joined, ...alone]
}

export function anomaliesOf(soak: SoakRecord | undefined): number {
  return Object.values(soak?.anomaliesByRule ?? {}).reduce((sum, count) => sum + count, 0)
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
  | 'observed'
  | 'not proven'
  | 'not offered'
  | 'not run'

/** What the cases say, and nothing else. */
export function verdictOf(results: readonly Pick<CaseRecord, 'outcome'>[]): Verdict {
  const has = (outcome: Outcome) => results.some((result) => result.outcome === outcome)
  if (results.length === 0) return 'not run'
  if (has('failed')) return 'failed'
  if (has('knownFailure')) return 'known failure'
  if (has('passed')) return has('notProven') ? 'partly proven' : 'proven'
  return has('notProven') ? 'not proven' : 'not offered'
}

/**
 * What a run says of a rule, cases and soak together. An anomaly breaks the rule whatever the cases say. A soak without
 * one proves nothing that a case has not forced; where no case was run, it was observed.
 */
export function ruleVerdict(run: RunRecord, rule: string): Verdict {
  if (run.soak?.anomaliesByRule[rule]) return 'failed'
  const verdict = verdictOf(resultsOf(run, rule))
  return verdict === 'not run' && run.soak?.checks[rule] ? 'observed' : verdict
}

/** A run's cases of one rule. */
export function resultsOf(run: RunRecord, rule: string): readonly CaseRecord[] {
  return run.results.filter((result) => result.rule === rule)
}
