import { isEventStoreError } from '@annals/core'
import { CaseContext, type ConformanceCase, type Level } from './case.js'
import { Violation } from './check.js'
import type { Harness, HookName, Subject } from './harness.js'
import type { TimelineOperation } from './reports/run-record.js'
import { type RuleId, ruleText } from './rules.js'

/**
 * - passed: the store keeps what the case examines;
 * - failed: it does not, or the case could not find out;
 * - notProven: a hook is missing, for the reason that the harness gives; nothing is known;
 * - notOffered: a capability is off, and the opposite case (the refusal) passed;
 * - knownFailure: failed, as the list of known failures says.
 */
export type Outcome = 'passed' | 'failed' | 'notProven' | 'notOffered' | 'knownFailure'

export interface CaseResult {
  readonly id: string
  readonly rule: RuleId
  readonly title: string
  readonly outcome: Outcome
  /** For every outcome but 'passed' and 'failed': why. */
  readonly reason?: string
  readonly error?: Error
  /** Of a failed case, where it was asked for: who did what and when, the last operations. */
  readonly timeline?: readonly TimelineOperation[]
  readonly milliseconds: number
}

export interface CaseOptions {
  readonly level?: Level | undefined
  /** How long a case may take before it is taken to hang, in milliseconds. Default: 60,000. It never lets a case pass. */
  readonly watchdogMs?: number | undefined
}

export const defaultWatchdogMs = 60_000

/** A failed case: names the rule, what it says, the case, and what was expected and came. */
export class CaseFailure extends Error {
  constructor(
    readonly caseId: string,
    readonly rule: RuleId | 'MODEL',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
    this.name = 'CaseFailure'
  }
}

/**
 * Runs one case on a subject of its own, and cleans up whatever happens.
 *
 * @param examined called when the case has ended, before what it left behind is ended too
 */
export async function runCase(
  harness: Harness,
  testCase: ConformanceCase,
  options: CaseOptions = {},
  examined?: () => void,
): Promise<CaseResult> {
  const started = performance.now()
  const { id, rule, title } = testCase
  const result = (outcome: Outcome, more: { reason?: string; error?: Error } = {}): CaseResult => ({
    id,
    rule,
    title,
    outcome,
    ...more,
    milliseconds: performance.now() - started,
  })

  const excused = (testCase.hooks ?? []).filter((hook) => harness.missing?.[hook] !== undefined)
  if (excused.length > 0) return result('notProven', { reason: whyNotProven(harness, excused) })

  const watchdogMs = options.watchdogMs ?? defaultWatchdogMs
  let subject: Subject
  try {
    subject = await guarded(harness.open(), watchdogMs, () => ['harness.open()'])
  } catch (error) {
    return result('failed', { error: failure(harness, testCase, error) })
  }
  const t = new CaseContext(harness, subject, options.level ?? 'full')
  let reason: string | undefined
  let failed: { readonly error: unknown } | undefined
  try {
    reason = await guarded(examine(t, testCase), watchdogMs, () => t.waiting)
  } catch (error) {
    failed = { error }
  }
  examined?.()
  try {
    await finish(t, watchdogMs)
  } catch (error) {
    // Where the case has failed already, that is what matters.
    failed ??= { error }
  }
  if (failed) return result('failed', { error: failure(harness, testCase, failed.error) })
  return reason === undefined ? result('passed') : result('notOffered', { reason })
}

/** Runs the case or, where its capability is off, the opposite one: then it says why. */
async function examine(t: CaseContext, testCase: ConformanceCase): Promise<string | undefined> {
  const missing = (testCase.hooks ?? []).filter((hook) => t.subject[hook] === undefined)
  if (missing.length > 0)
    throw new Error(
      `the harness has no ${missing.join(', ')} and does not say why in harness.missing`,
    )
  const need = testCase.needs
  if (!need || (await offers(t, need))) {
    await testCase.run(t)
    return undefined
  }
  await need.otherwise.run(t)
  return `${need.capability} is ${JSON.stringify(t.store.capabilities[need.capability])}; instead: ${need.otherwise.title}`
}

/** Some stores know their capabilities only after the first call. */
async function offers(t: CaseContext, need: NonNullable<ConformanceCase['needs']>) {
  await t.waitFor('the first call', t.store.headPosition())
  return need.offered(t.store.capabilities)
}

async function finish(t: CaseContext, watchdogMs: number): Promise<void> {
  try {
    await guarded(t.end(), watchdogMs, () => ['the end of what the case had started'])
  } finally {
    await guarded(t.subject.cleanup(), watchdogMs, () => ['subject.cleanup()'])
  }
}

/** A case that the watchdog has ended. */
export class Hanging extends Error {}

/** Only a guard against hanging for ever. */
export async function guarded<T>(
  work: Promise<T>,
  watchdogMs: number,
  waiting: () => readonly string[],
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const watchdog = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const names = waiting()
      reject(
        new Hanging(
          `did not finish in ${watchdogMs} ms: it was waiting for ${names.length > 0 ? names.join('; ') : 'a call of the store'}`,
        ),
      )
    }, watchdogMs)
  })
  work.catch(() => {})
  try {
    return await Promise.race([work, watchdog])
  } finally {
    clearTimeout(timer)
  }
}

function failure(harness: Harness, testCase: ConformanceCase, error: unknown): CaseFailure {
  const { id, rule, title } = testCase
  const what =
    error instanceof Violation || error instanceof Hanging
      ? error.message
      : isEventStoreError(error)
        ? `a call failed that had to succeed, with ${error.code}: ${error.message}`
        : error instanceof Error
          ? (error.stack ?? error.message)
          : String(error)
  return new CaseFailure(
    id,
    rule,
    `${id} on ${harness.name}: ${title}\n  ${what.replaceAll('\n', '\n  ')}\n  the rule:\n    ${rule} ${ruleText(rule)}`,
    { cause: error },
  )
}

export function whyNotProven(harness: Harness, hooks: readonly HookName[]): string {
  return hooks.map((hook) => `${hook}: ${harness.missing?.[hook]}`).join('; ')
}
