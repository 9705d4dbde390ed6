import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

interface Totals {
  passed: number
  failed: number
  skipped: number
  problems: string[]
}

// The closing line of `npm test` must not say that all is well when a suite never ran.
const script = new URL('../../../scripts/reports.mjs', import.meta.url)
const { addUp, closingLine, reportFile } = (await import(script.href)) as {
  addUp(folder: string, expected: readonly string[]): Totals
  closingLine(totals: Totals): string
  reportFile(folder: string, name: string): string
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'annals-reports-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('adds up what the reports say', () => {
  report('@annals/a', { numPassedTests: 3, numTotalTests: 3 })
  report('b', {
    numPassedTests: 1,
    numFailedTests: 1,
    numPendingTests: 1,
    numTodoTests: 1,
    numTotalTests: 4,
    success: false,
    testResults: [
      { status: 'failed', assertionResults: [{ status: 'failed', fullName: 'it works' }] },
    ],
  })
  const totals = addUp(folder, ['@annals/a', 'b'])
  expect(closingLine(totals)).toBe('4 passed, 1 failed, 2 skipped')
  expect(totals.problems).toEqual(['b: it works'])
})

test('nothing is said of skipped tests where there are none', () => {
  report('a', { numPassedTests: 2, numTotalTests: 2 })
  expect(closingLine(addUp(folder, ['a']))).toBe('2 passed, 0 failed')
})

test('a suite without a report counts as a failure', () => {
  expect(addUp(folder, ['crashed'])).toMatchObject({ passed: 0, failed: 1 })
})

test('a file that could not be loaded counts as a failure', () => {
  report('a', {
    numPassedTests: 2,
    numTotalTests: 2,
    success: false,
    testResults: [
      { status: 'passed', assertionResults: [{ status: 'passed', fullName: 'fine' }] },
      { status: 'failed', name: 'x.test.ts', message: 'SyntaxError', assertionResults: [] },
    ],
  })
  expect(addUp(folder, ['a'])).toMatchObject({ passed: 2, failed: 1 })
})

test('a run that failed outside of its tests counts as a failure, and so does one without tests', () => {
  report('a', { numPassedTests: 2, numTotalTests: 2, success: false })
  report('b', {})
  expect(addUp(folder, ['a', 'b'])).toMatchObject({ passed: 2, failed: 2 })
})

function report(name: string, content: object): void {
  const empty = {
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTotalTests: 0,
    success: true,
    testResults: [],
  }
  writeFileSync(reportFile(folder, name), JSON.stringify({ ...empty, ...content }))
}
