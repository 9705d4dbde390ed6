import type { Verdict } from './run-record.js'

/** A sign beside the word, so that nothing is told by colour alone. */
export const signs: Record<Verdict, string> = {
  proven: '✓',
  'partly proven': '◐',
  failed: '✗',
  'known failure': '!',
  observed: '○',
  'not proven': '?',
  'not offered': '–',
  'not run': '·',
}

/** All verdicts, the best first. */
export const verdicts = Object.keys(signs) as readonly Verdict[]

export const meanings: Record<Verdict, string> = {
  proven: 'every case of the rule passed',
  'partly proven': 'cases passed, others need a hook that the harness lacks',
  failed: 'a case failed, or a soak found an anomaly: the store breaks the rule',
  'known failure': 'a case fails, as the store’s own list says',
  observed: 'no case was run; a soak watched the rule and found nothing against it',
  'not proven': 'nothing is known: the harness lacks the hooks',
  'not offered': 'a capability is off, and its refusal was tested',
  'not run': 'no case of the rule was selected',
}

/** The class of a verdict in the page's style. */
export function className(verdict: Verdict): string {
  return verdict.replace(' ', '-')
}

export function signed(verdict: Verdict): string {
  return `${signs[verdict]} ${verdict}`
}

export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  return seconds < 90 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`
}

export function count(number: number): string {
  return number.toLocaleString('en')
}
