import type { Harness } from './harness.js'
import { formatReport } from './report.js'
import { rules } from './rules.js'
import {
  type ConformanceOptions,
  type ConformanceReport,
  modelTitle,
  modelWanted,
  problemsOf,
  repeatsOf,
  runModelResult,
  runSelected,
  selectCases,
} from './run.js'
import { defaultWatchdogMs, whyNotProven } from './run-case.js'

/** The few functions of a test runner that the suite calls. */
export interface Runner {
  describe(name: string, body: () => void): void
  /** A test; `timeout` in milliseconds. */
  it(name: string, body: () => Promise<void>, timeout: number): void
  /** A test that does not run, with the reason in its name. */
  skip(name: string): void
  afterAll(body: () => Promise<void>): void
}

/** Makes one test of each case. The packages' subpaths `/vitest` and `/node-test` bind it to those runners. */
export function registerWith(
  runner: Runner,
  harness: Harness,
  options: ConformanceOptions = {},
): void {
  const watchdogMs = options.watchdogMs ?? defaultWatchdogMs
  const cases = selectCases(options)
  const results: ConformanceReport['results'][number][] = []

  runner.describe(`conformance of ${harness.name}`, () => {
    runner.it(
      'the harness has every hook or says why not',
      async () => {
        const problems = await problemsOf(harness, options)
        if (problems.length > 0) throw new Error(problems.join('\n'))
      },
      watchdogMs * 2,
    )
    for (const rule of rules) {
      const ofRule = cases.filter((c) => c.rule === rule.id)
      if (ofRule.length === 0) continue
      runner.describe(`${rule.id} ${rule.text}`, () => {
        for (const testCase of ofRule) {
          const missing = (testCase.hooks ?? []).filter((h) => harness.missing?.[h] !== undefined)
          if (missing.length > 0) {
            const reason = whyNotProven(harness, missing)
            const { id, title } = testCase
            results.push({
              id,
              title,
              rule: rule.id,
              outcome: 'notProven',
              reason,
              milliseconds: 0,
            })
            runner.skip(`${id} not proven: ${reason}`)
            continue
          }
          const otherwise = testCase.needs
            ? ` (without ${testCase.needs.capability}: ${testCase.needs.otherwise.title})`
            : ''
          runner.it(
            `${testCase.id} ${testCase.title}${otherwise}`,
            async () => {
              const result = await runSelected(harness, testCase, options)
              results.push(result)
              if (result.outcome === 'failed') throw result.error
            },
            // Opening, the case, ending what it started and the clean-up each have the watchdog's time.
            watchdogMs * 4 * repeatsOf(testCase, options),
          )
        }
      })
    }
    const model = modelWanted(options)
    if (model)
      runner.it(
        modelTitle,
        async () => {
          const result = await runModelResult(harness, model)
          results.push(result)
          if (result.error) throw result.error
        },
        watchdogMs * 10,
      )
    runner.afterAll(async () => {
      const apart = results.filter((r) => r.outcome !== 'passed')
      if (apart.length > 0)
        console.log(
          formatReport({
            harness: harness.name,
            level: options.level ?? 'full',
            results,
            problems: [],
            ok: results.every((r) => r.outcome !== 'failed'),
          }),
        )
      await harness.close?.()
    })
  })
}
