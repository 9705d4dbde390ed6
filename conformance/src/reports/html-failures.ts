import { explanations } from '../explanations.js'
import { type RuleId, rules } from '../rules.js'
import { escapeMarkup as esc, inlineCode } from './markup.js'
import { modelRule } from './model-rule.js'
import type { RunRecord, TimelineOperation } from './run-record.js'
import { timelineSvg } from './timeline.js'

interface Failure {
  readonly rule: string
  readonly title: string
  readonly text: string
  readonly timeline: readonly TimelineOperation[]
  /** What the timeline shows. */
  readonly drawn: string
  /** Commands that show it again. */
  readonly again: readonly string[]
}

/** Where a reader finds what went wrong with a rule: the first failure of it. */
export function failureId(run: RunRecord, index: number, rule: string): string {
  const found = failuresOf(run).some((failure) => failure.rule === rule)
  return found ? `failure-${index}-${rule}` : `failures-${index}`
}

function failuresOf(run: RunRecord): readonly Failure[] {
  return [
    ...run.results
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ id, rule, title, error = '', timeline = [] }) => ({
        rule,
        title: `${id}: ${title}`,
        text: error,
        timeline,
        drawn: `The last operations of ${id}`,
        // What differs from the model tells its seed itself.
        again: rule === modelRule.id ? [] : [`annals-conformance run <harness> --case ${id}`],
      })),
    ...(run.soak?.anomalies ?? []).map(({ rule, message, timeline }) => ({
      rule,
      title: `${rule}, in a history of the soak`,
      text: message,
      timeline,
      drawn: `Operations that contradict ${rule}`,
      again: [
        `annals-conformance soak <harness> --minutes ${run.soak?.minutes} --seed ${run.soak?.seed}`,
        ...(run.soak?.histories ?? []).map((file) => `annals-conformance check ${file}`),
      ],
    })),
  ]
}

/** Everything that went wrong, store by store: what was expected, what came, who did what and when. */
export function failures(runs: readonly RunRecord[]): string {
  const parts = runs.flatMap((run, index) => {
    const found = failuresOf(run)
    if (found.length + run.problems.length === 0) return []
    const seen = new Map<string, number>()
    const items = [
      ...run.problems.map(
        (problem) =>
          `<article class="failure"><h4>The run itself</h4><pre>${esc(problem)}</pre></article>`,
      ),
      ...found.map((failure) => {
        const times = (seen.get(failure.rule) ?? 0) + 1
        seen.set(failure.rule, times)
        const id = `failure-${index}-${failure.rule}${times === 1 ? '' : `-${times}`}`
        return article(failure, id, times === 1)
      }),
    ]
    return [`<h3 id="failures-${index}">${esc(run.store)}</h3>${items.join('\n')}`]
  })
  if (parts.length === 0) return ''
  return `<section aria-labelledby="failures"><h2 id="failures">Failures</h2>${parts.join('\n')}</section>`
}

function article(
  { rule, title, text, timeline, drawn, again }: Failure,
  id: string,
  first: boolean,
): string {
  const known = rules.find((one) => one.id === rule)
  const promise = known
    ? `<p class="promise"><a href="#rule-${rule}">${rule}</a> ${inlineCode(known.text)}</p>`
    : ''
  const explained = known && first ? explanations[rule as RuleId] : undefined
  const hints = explained
    ? `<dl><dt>Why it matters</dt><dd>${inlineCode(explained.why)}</dd><dt>How stores get it wrong</dt><dd>${inlineCode(explained.pitfall)}</dd></dl>`
    : ''
  const commands =
    again.length === 0
      ? ''
      : `Again: ${again.map((command) => `<code>${esc(command)}</code>`).join(', ')}. `
  return `<article class="failure" id="${id}"><h4>${esc(title)}</h4>${promise}
<pre>${esc(counterexample(text, rule))}</pre>
${timelineSvg(timeline, drawn)}
${hints}
<p>${commands}<a href="#matrix">Back to the rules</a></p></article>`
}

/** A case's message begins with its name and ends with the rule's text: both stand above it here. */
function counterexample(text: string, rule: string): string {
  const end = text.lastIndexOf(`\n  the rule:\n    ${rule} `)
  if (end === -1) return text
  const start = text.indexOf('\n') + 1
  return text.slice(start, end).replaceAll(/^ {2}/gm, '')
}
