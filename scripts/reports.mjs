// Adds up what the test reports say (vitest's JSON, which the packing test writes too), for one closing line.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** @typedef {{ passed: number, failed: number, skipped: number, problems: string[] }} Totals */

/** The file in which a package's report is kept. */
export function reportFile(folder, packageName) {
  return join(folder, `${packageName.replace('@', '').replaceAll('/', '-')}.json`)
}

/**
 * @param {string} folder where the reports lie
 * @param {readonly string[]} expected the packages that must have reported: a suite that crashed has no report, and
 * counts as one failure
 * @returns {Totals}
 */
export function addUp(folder, expected) {
  const totals = { passed: 0, failed: 0, skipped: 0, problems: [] }
  const there = new Set(readdirSync(folder))
  for (const name of expected) {
    const file = reportFile(folder, name)
    if (!there.has(file.slice(folder.length + 1))) {
      totals.failed++
      totals.problems.push(`${name}: its tests did not come to an end (no report)`)
      continue
    }
    add(totals, name, JSON.parse(readFileSync(file, 'utf8')))
  }
  return totals
}

export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

function add(totals, name, report) {
  const before = totals.failed
  totals.passed += report.numPassedTests
  totals.failed += report.numFailedTests
  totals.skipped += report.numPendingTests + (report.numTodoTests ?? 0)
  for (const file of report.testResults ?? []) {
    for (const test of file.assertionResults) {
      if (test.status === 'failed') totals.problems.push(`${name}: ${test.fullName}`)
    }
    // A file that cannot be loaded has no tests of its own to fail.
    if (file.status === 'failed' && file.assertionResults.every((t) => t.status !== 'failed')) {
      totals.failed++
      totals.problems.push(`${name}: ${file.name}: ${file.message}`)
    }
  }
  // E.g. an unhandled rejection outside of any test, or no test at all.
  if (totals.failed === before && (report.success === false || report.numTotalTests === 0)) {
    totals.failed++
    totals.problems.push(`${name}: the run failed although no test did`)
  }
}
