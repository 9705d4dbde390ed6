import { rules } from '../rules.js'
import {
  anomaliesOf,
  type RunRecord,
  resultsOf,
  ruleVerdict,
  type SoakRecord,
} from './run-record.js'

/** Runs side by side as a Markdown table, a line a rule, and below it whatever is not simply proven. */
export function markdownReport(runs: readonly RunRecord[]): string {
  const lines = [
    `| rule | ${runs.map((run) => cell(run.store)).join(' | ')} |`,
    `|---|${runs.map(() => '---|').join('')}`,
  ]
  for (const { id } of rules) {
    const cells = runs.map((run) => `${ruleVerdict(run, id)} (${resultsOf(run, id).length})`)
    lines.push(`| ${id} | ${cells.join(' | ')} |`)
  }
  for (const run of runs) {
    const apart = run.results.filter(({ outcome }) => outcome !== 'passed')
    if (apart.length === 0 && run.problems.length === 0 && !run.soak) continue
    lines.push('', `## ${run.store}`, '')
    for (const { id, outcome, reason, error } of apart) {
      lines.push(`- ${id}: ${outcome}${reason ? `: ${cell(reason)}` : ''}`)
      if (error) lines.push('', '  ```', ...error.split('\n').map((line) => `  ${line}`), '  ```')
    }
    if (run.soak) lines.push(soakLine(run.soak))
    for (const { rule, message } of run.soak?.anomalies ?? [])
      lines.push(`- anomaly ${rule}: ${cell(message)}`)
    for (const problem of run.problems) lines.push(`- problem: ${cell(problem)}`)
  }
  return `${lines.join('\n')}\n`
}

function soakLine(soak: SoakRecord): string {
  const faults = Object.values(soak.faults).reduce((sum, times) => sum + times, 0)
  return `- soak of ${soak.minutes} minutes (seed ${soak.seed}): ${soak.eventsChecked} events checked, ${faults} faults, ${anomaliesOf(soak)} anomalies`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
