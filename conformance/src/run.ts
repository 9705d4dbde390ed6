import type { Capabilities } from '@annals/core'
import type { ConformanceCase, Level } from './case.js'
import { allCases } from './cases/index.js'
import type { Harness } from './harness.js'
import { hookProblems } from './hooks.js'
import { type ModelOptions, runModel } from './model/run-model.js'
import type { RuleId } from './rules.js'
import {
  type CaseOptions,
  type CaseResult,
  defaultWatchdogMs,
  guarded,
  Hanging,
  runCase,
} from './run-case.js'
import { Trace } from './trace.js'

export interface ConformanceOptions extends CaseOptions {
  /** Default: 'full'. */
  readonly level?: Level | undefined
  /** Only the cases of these rules. */
  readonly rules?: readonly RuleId[] | undefined
  /** Only the cases with these ids. */
  readonly cases?: readonly string[] | undefined
  /** How often cases whose result may depend on timing are run. Default: 1, or ANNALS_REPEAT. */
  readonly repeat?: number | undefined
  /**
   * Cases that are known to fail, by id, and why. They must fail: one that passes fails the run, so that the list
   * never grows stale.
   */
  readonly knownFailures?: Readonly<Record<string, string>> | undefined
  /** The random sequences against a model (all rules together). False: none. */
  readonly model?: ModelOptions | false | undefined
  /** Whether to stop at the first case that fails: what was not run then is missing in the report. Default: false. */
  readonly bail?: boolean | undefined
  /**
   * Whether a case that fails is run once more to note who did what: where it fails again, its result has the error and
   * the timeline of that run. Default: false. One that the watchdog had to end is run again only where `cases` names it.
   */
  readonly timelines?: boolean | undefined
  /** Told before each case, with how many have ended and how many there are. */
  readonly onStart?: ((id: string, done: number, all: number) => void) | undefined
  readonly onResult?: ((result: CaseResult | ModelResult) => void) | undefined
}

const modelId = 'MODEL/random-sequences'

export interface ModelResult {
  readonly id: typeof modelId
  readonly rule: 'MODEL'
  readonly title: string
  readonly outcome: 'passed' | 'failed'
  readonly error?: Error
  readonly milliseconds: number
}

export interface ConformanceReport {
  readonly harness: string
  readonly level: Level
  /** As the store tells them after its first call; not there where that call failed. */
  readonly capabilities?: Capabilities
  readonly results: readonly (CaseResult | ModelResult)[]
  /** What is wrong with the run itself: hooks without a reason, names of cases that do not exist. */
  readonly problems: readonly string[]
  /** Nothing failed and nothing is wrong. What is not proven is not counted here: read the results. */
  readonly ok: boolean
}

export const modelTitle = 'random sequences of calls agree with a simple model'

/** The cases that the options select. */
export function selectCases(options: ConformanceOptions = {}): readonly ConformanceCase[] {
  const level = options.level ?? 'full'
  return allCases.filter(
    (c) =>
      (level === 'full' || (c.level ?? 'quick') === 'quick') &&
      (options.rules === undefined || options.rules.includes(c.rule)) &&
      (options.cases === undefined || options.cases.includes(c.id)),
  )
}

export function repeatsOf(testCase: ConformanceCase, options: ConformanceOptions): number {
  return testCase.concurrent ? concurrentRepeats(options) : 1
}

/** How often the cases run whose result may depend on timing. */
export function concurrentRepeats(options: ConformanceOptions): number {
  const repeat = options.repeat ?? Number(process.env.ANNALS_REPEAT ?? 1)
  return Number.isSafeInteger(repeat) && repeat > 0 ? repeat : 1
}

/** Runs a case as often as the options say, and holds the result against the known failures. */
export async function runSelected(
  harness: Harness,
  testCase: ConformanceCase,
  options: ConformanceOptions,
): Promise<CaseResult> {
  let result: CaseResult | undefined
  for (let i = repeatsOf(testCase, options); i > 0; i--) {
    result = await runCase(harness, testCase, options)
    if (result.outcome !== 'passed') break
  }
  if (!result) throw new TypeError(`${testCase.id} was not run`)
  if (options.timelines && result.outcome === 'failed')
    result = await withTimeline(result, harness, testCase, options)
  const known = options.knownFailures?.[testCase.id]
  if (known === undefined) return result
  if (result.outcome === 'failed') return { ...result, outcome: 'knownFailure', reason: known }
  // Without the hook nobody knows whether it still fails.
  if (result.outcome === 'notProven') return result
  const error = new Error(
    `${testCase.id} does not fail, but it is listed as a known failure ("${known}"): take it off the list`,
  )
  return { ...result, outcome: 'failed', error }
}

async function withTimeline(
  result: CaseResult,
  harness: Harness,
  testCase: ConformanceCase,
  options: ConformanceOptions,
): Promise<CaseResult> {
  if (result.error?.cause instanceof Hanging && options.cases === undefined) return result
  const trace = new Trace()
  let timeline: CaseResult['timeline']
  const again = await runCase(trace.harness(harness), testCase, options, () => {
    // Now, because what has not answered yet is about to be ended.
    timeline = trace.timeline()
  })
  return again.outcome === 'failed' && timeline ? { ...again, timeline } : result
}

interface FirstLook {
  readonly problems: string[]
  readonly capabilities: Capabilities | undefined
  /** Whether there is anything to examine. */
  readonly opened: boolean
}

/** What is wrong before a case has run, and with the harness itself. Opens one subject. */
export async function problemsOf(harness: Harness, options: ConformanceOptions): Promise<string[]> {
  return (await firstLook(harness, options)).problems
}

async function firstLook(harness: Harness, options: ConformanceOptions): Promise<FirstLook> {
  const { watchdogMs = defaultWatchdogMs } = options
  const problems: string[] = []
  const ids = new Set(allCases.map((c) => c.id))
  for (const id of Object.keys(options.knownFailures ?? {}))
    if (!ids.has(id)) problems.push(`the known failure ${id} is not a case`)
  for (const id of options.cases ?? []) if (!ids.has(id)) problems.push(`there is no case ${id}`)
  try {
    const subject = await guarded(harness.open(), watchdogMs, () => ['harness.open()'])
    problems.unshift(...hookProblems(harness, subject))
    // Some stores know their capabilities only after the first call. Whether it works is for the cases to say.
    const first = guarded(subject.store.headPosition(), watchdogMs, () => ['the first call'])
    const capabilities = await first.then(
      () => ({ ...subject.store.capabilities }),
      () => undefined,
    )
    await guarded(subject.cleanup(), watchdogMs, () => ['subject.cleanup()'])
    return { problems, capabilities, opened: true }
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
    problems.push(`the harness cannot open a store and clean it up, so no case was run: ${what}`)
    return { problems, capabilities: undefined, opened: false }
  }
}

/** Whether the model runs: it belongs to the whole suite, not to single rules or cases. */
export function modelWanted(options: ConformanceOptions): ModelOptions | undefined {
  if (options.model === false) return undefined
  if (options.model === undefined && (options.rules ?? options.cases) !== undefined)
    return undefined
  return { level: options.level ?? 'full', ...options.model }
}

export async function runModelResult(harness: Harness, model: ModelOptions): Promise<ModelResult> {
  const started = performance.now()
  const result = { id: modelId, rule: 'MODEL', title: modelTitle } as const
  try {
    await runModel(harness, model)
    return { ...result, outcome: 'passed', milliseconds: performance.now() - started }
  } catch (error) {
    return {
      ...result,
      outcome: 'failed',
      error: error instanceof Error ? error : new Error(String(error)),
      milliseconds: performance.now() - started,
    }
  }
}

/** Runs the suite without a test runner. It never throws for a store's failure: read the report. */
export async function runConformance(
  harness: Harness,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const results: (CaseResult | ModelResult)[] = []
  const { problems, capabilities, opened } = await firstLook(harness, options)
  const model = modelWanted(options)
  const cases = selectCases(options)
  if (cases.length === 0 && !model) problems.push('no case was selected')
  const jobs: [id: string, work: () => Promise<CaseResult | ModelResult>][] = cases.map(
    (testCase) => [testCase.id, () => runSelected(harness, testCase, options)],
  )
  if (model) jobs.push([modelId, () => runModelResult(harness, model)])
  for (const [id, work] of opened ? jobs : []) {
    options.onStart?.(id, results.length, jobs.length)
    const result = await work()
    results.push(result)
    options.onResult?.(result)
    if (options.bail && result.outcome === 'failed') break
  }
  return {
    harness: harness.name,
    level: options.level ?? 'full',
    ...(capabilities && { capabilities }),
    results,
    problems,
    ok: problems.length === 0 && results.every((r) => r.outcome !== 'failed'),
  }
}
