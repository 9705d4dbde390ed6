import { type RuleId, ruleText } from '../rules.js'
import type { SoakProgress } from './soak.js'
import type { HistoryVerdict } from './verdict.js'

/** A verdict for people: what was checked, and for each violation its rule and the operations that contradict each other. */
export function formatVerdict(verdict: HistoryVerdict): string {
  const { counts } = verdict
  const lines = [
    `${verdict.header.store}: ${counts.operations} operations of ${counts.processes} processes (${counts.appends} appends; ${counts.unknown + counts.unanswered} without a certain outcome), ${counts.events} events, ${counts.read} read, ${counts.delivered} delivered, ${counts.faults} faults, checked in ${(verdict.milliseconds / 1000).toFixed(1)} s`,
  ]
  for (const { rule, message, operations } of verdict.violations) {
    lines.push('', `${rule}  ${message}`, `    ${ruleText(rule)}`)
    for (const operation of operations) lines.push(`  - ${operation}`)
  }
  const shown = verdict.violations.length
  if (verdict.violationCount > shown) {
    const rules = Object.entries(verdict.violationsByRule) as [RuleId, number][]
    lines.push(
      '',
      `${verdict.violationCount - shown} more; in all: ${rules.map(([rule, times]) => `${rule} ${times}`).join(', ')}`,
    )
  }
  lines.push('', verdict.ok ? 'No rule is broken.' : `${verdict.violationCount} violations.`)
  return lines.join('\n')
}

/** A line of progress of a soak. */
export function formatProgress(progress: SoakProgress): string {
  const faults = Object.values(progress.faultsInjected).reduce((sum, times) => sum + times, 0)
  return `${Math.round(progress.seconds)} s, round ${progress.rounds}: ${progress.eventsChecked} events checked, ${faults} faults injected, ${progress.anomalies} anomalies (seed ${progress.seed})`
}
