import { rules } from './rules.js'
import type { ConformanceReport } from './run.js'

const columns = ['passed', 'failed', 'notProven', 'notOffered', 'knownFailure'] as const
const headings = ['passed', 'failed', 'not proven', 'not offered', 'known failure']

/** The report as a table for people: a line a rule, then everything that is not simply passed, with its reason. */
export function formatReport(report: ConformanceReport): string {
  const lines = [`Conformance of ${report.harness} (${report.level})`, '']
  const width = 10
  lines.push(`${'rule'.padEnd(width)}${headings.map((h) => h.padStart(14)).join('')}`)
  const ids = [...rules.map((r) => r.id as string), 'MODEL']
  for (const id of ids) {
    const of = report.results.filter((r) => r.rule === id)
    if (of.length === 0) continue
    lines.push(`${id.padEnd(width)}${counts(of)}`)
  }
  lines.push(`${'all'.padEnd(width)}${counts(report.results)}`)

  const apart = report.results.filter((r) => r.outcome !== 'passed')
  if (apart.length > 0) lines.push('')
  for (const result of apart) {
    const heading = headings[columns.indexOf(result.outcome)]
    const reason = 'reason' in result && result.reason ? `: ${result.reason}` : ''
    lines.push(`${heading} ${result.id}${reason}`)
    if (result.outcome === 'failed' && result.error)
      lines.push(`  ${result.error.message.replaceAll('\n', '\n  ')}`)
  }
  for (const problem of report.problems) lines.push(`problem: ${problem}`)
  return lines.join('\n')
}

function counts(results: ConformanceReport['results']): string {
  return columns
    .map((c) => results.filter((r) => r.outcome === c).length)
    .map((n) => (n === 0 ? '·' : String(n)).padStart(14))
    .join('')
}
