import { escapeMarkup } from './markup.js'
import { anomaliesOf, type RunRecord } from './run-record.js'

/** Runs as JUnit XML, a suite each: what is not proven or not offered is skipped, with its reason. */
export function junitReport(runs: readonly RunRecord[]): string {
  const suites = runs.map((run) => {
    const failures = run.results.filter(({ outcome }) => outcome === 'failed').length
    const skipped = run.results.filter(
      ({ outcome }) => outcome !== 'failed' && outcome !== 'passed',
    ).length
    const cases = run.results.map((result) => {
      const open = `    <testcase classname="${escapeMarkup(result.rule)}" name="${escapeMarkup(`${result.id} ${result.title}`)}" time="${(result.milliseconds / 1000).toFixed(3)}"`
      if (result.outcome === 'passed') return `${open}/>`
      const inner =
        result.outcome === 'failed'
          ? `<failure message="${escapeMarkup((result.error ?? '').split('\n')[0] ?? '')}">${escapeMarkup(result.error ?? '')}</failure>`
          : `<skipped message="${escapeMarkup(`${result.outcome}: ${result.reason ?? ''}`)}"/>`
      return `${open}>${inner}</testcase>`
    })
    for (const problem of run.problems) {
      cases.push(
        `    <testcase classname="run" name="${escapeMarkup(problem)}"><failure message="${escapeMarkup(problem)}"/></testcase>`,
      )
    }
    const anomalies = anomaliesOf(run.soak)
    if (run.soak) {
      const text = run.soak.anomalies.map(({ rule, message }) => `${rule} ${message}`).join('\n')
      cases.push(
        `    <testcase classname="soak" name="${escapeMarkup(`${run.soak.minutes} minutes with seed ${run.soak.seed}`)}" time="${run.soak.minutes * 60}"${
          anomalies === 0
            ? '/>'
            : `><failure message="${anomalies} anomalies">${escapeMarkup(text)}</failure></testcase>`
        }`,
      )
    }
    return [
      `  <testsuite name="${escapeMarkup(run.store)}" tests="${cases.length}" failures="${failures + run.problems.length + (anomalies > 0 ? 1 : 0)}" skipped="${skipped}" time="${(run.milliseconds / 1000).toFixed(3)}" timestamp="${run.startedAt}">`,
      ...cases,
      '  </testsuite>',
    ].join('\n')
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`
}
