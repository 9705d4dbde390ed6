// npm test: builds, runs every package's tests and the packing test, and says in its last line what came out.
// npm test -- --filter=@annals/core: only the packages that turbo's filter selects, without the packing test.
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { packTest } from './pack-test.mjs'
import { addUp, closingLine, reportFile } from './reports.mjs'
import { cache, run, setUp, tool } from './setup.mjs'
import { workspace } from './workspace.mjs'

const filters = process.argv.slice(2)
let ended = false
process.on('exit', () => {
  // The set-up failed, or this script itself: nothing was tested.
  if (!ended) console.log(`\n${closingLine({ passed: 0, failed: 1, skipped: 0 })}`)
})
const env = setUp({ build: 'none' }) // turbo builds before each package's tests
const reports = join(cache, 'test-reports')
rmSync(reports, { recursive: true, force: true })
mkdirSync(reports, { recursive: true })

const code = await run(
  tool('turbo'),
  [
    ...['run', 'test', '--continue=dependencies-successful', '--concurrency=2'],
    ...['--env-mode=loose', '--ui=stream', '--output-logs=new-only', ...filters],
  ],
  { env: { ...env, ANNALS_TEST_REPORTS: reports }, stdio: ['ignore', 'inherit', 'inherit'] },
)

const tested = workspace().filter(({ manifest }) => manifest.scripts?.test !== undefined)
const expected = tested
  .map(({ manifest }) => manifest.name)
  .filter((name) => filters.length === 0 || existsSync(reportFile(reports, name)))
if (filters.length === 0) {
  const name = 'packing-test'
  await packTest({ env, report: reportFile(reports, name) })
  expected.push(name)
}
const totals = addUp(reports, expected)
if (code !== 0 && totals.failed === 0) {
  totals.failed++
  totals.problems.push('a test command failed although its report shows no failure')
}
if (totals.problems.length > 0) {
  console.log(`\nFailures:\n${totals.problems.map((line) => `  ${line}`).join('\n')}`)
}
ended = true
console.log(`\n${closingLine(totals)}`)
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0
