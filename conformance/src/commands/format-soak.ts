import type { Found } from '../reports/index.js'
import { type RuleId, rules, ruleText } from '../rules.js'

/** What a soak did and found, for people: each anomaly with the operations that contradict each other. */
export function formatSoak(store: string, { soak, problems }: Found): string {
  const wrong = problems.map((problem) => `problem: ${problem}`)
  if (soak === undefined) return [`Soak of ${store}`, '', ...wrong].join('\n')
  const found = Object.entries(soak.anomaliesByRule)
  const faults = Object.entries(soak.faults)
  const made = faults.map(([kind, times]) => `${times} ${kind}`)
  const checks = rules.flatMap(({ id }) => (soak.checks[id] ? [`${id} ${soak.checks[id]}`] : []))
  const lines = [
    `Soak of ${store}: ${soak.minutes} minutes, ${soak.rounds} rounds, seed ${soak.seed}`,
    '',
    `${soak.operations} operations and ${soak.eventsChecked} events checked; ${soak.unknownOutcomes} appends without a certain outcome`,
    `faults: ${made.join(', ') || 'none'}`,
  ]
  if (soak.faultsMissing.length > 0)
    lines.push(`not possible with this harness: ${soak.faultsMissing.join(', ')}`)
  lines.push(`rules held against what was observed: ${checks.join(', ') || 'none'}`)
  for (const { rule, message, timeline } of soak.anomalies) {
    lines.push('', `${rule}  ${message}`, `    ${ruleText(rule as RuleId)}`)
    for (const operation of timeline) lines.push(`  - ${operation.text}`)
  }
  lines.push('', ...wrong)
  if (found.length === 0) lines.push('No anomaly.')
  else {
    lines.push(`ANOMALIES: ${found.map(([rule, times]) => `${rule} ${times}`).join(', ')}.`)
    for (const file of soak.histories) lines.push(`annals-conformance check ${file}`)
    lines.push(`--seed ${soak.seed} repeats the schedule.`)
  }
  return lines.join('\n')
}
