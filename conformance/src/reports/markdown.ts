import { rules } from '../rules.js'
import { type RunRecord, resultsOf, verdictOf } from './run-record.js'

/** Runs side by side as a Markdown table, a line a rule, and below it whatever is not simply proven. */
export function markdownReport(runs: readonly RunRecord[]): string {
  const lines = [
    `| rule | ${runs.map((run) => cell(run.store)).join(' | ')} |`,
    `|---|${runs.map(() => '---|').join('')}`,
  ]
  for (const { id } of rules) {
    const cells = runs.map((run) => {
      const results = resultsOf(run, id)
      return `${verdictOf(results)} (${results.length})`
    })
    lines.push(`| ${id} | ${cells.join(' | ')} |`)
  }
  for (const run of runs) {
    const apart = run.results.filter(({ outcome }) => outcome !== 'passed')
    if (apart.length === 0 && run.problems.length === 0) continue
    lines.push('', `## ${run.store}`, '')
    for (const { id, outcome, reason, error } of apart) {
      lines.push(`- ${id}: ${outcome}${reason ? `: ${cell(reason)}` : ''}`)
      if (error) lines.push('', '  ```', ...error.split('\n').map((line) => `  ${line}`), '  ```')
    }
    for (const problem of run.problems) lines.push(`- problem: ${cell(problem)}`)
  }
  return `${lines.join('\n')}\n`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
