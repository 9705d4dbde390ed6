import { rules, sections } from '../rules.js'
import { failureId } from './html-failures.js'
import { escapeMarkup as esc, inlineCode, scrolling } from './markup.js'
import { modelRule } from './model-rule.js'
import { type RunRecord, resultsOf, ruleVerdict } from './run-record.js'
import { className, meanings, signed, verdicts } from './verdict-words.js'

/** Each rule, and what each store makes of it. */
export function matrix(runs: readonly RunRecord[]): string {
  const columns = runs.map((run) => `<th scope="col">${esc(run.store)}</th>`).join('')
  const bodies = sections.map((section) =>
    body(
      section,
      rules
        .filter((rule) => rule.section === section)
        .map((rule) => row(runs, rule.id, rule.id, rule.text)),
      runs.length + 1,
    ),
  )
  const model = row(runs, modelRule.id, modelRule.name, modelRule.text)
  const legend = verdicts.map(
    (verdict) =>
      `<li><span class="${className(verdict)}">${signed(verdict)}</span>: ${meanings[verdict]}</li>`,
  )
  return `<section aria-labelledby="matrix"><h2 id="matrix">Rules by store</h2>
${scrolling(
  'Rules by store',
  `<table class="matrix"><thead><tr><th scope="col">Rule</th>${columns}</tr></thead>
${bodies.join('\n')}
${body('All rules together', [model], runs.length + 1)}</table>`,
)}
<ul class="legend">${legend.join('')}</ul></section>`
}

function body(name: string, rows: readonly string[], width: number): string {
  return `<tbody><tr class="section"><th scope="rowgroup" colspan="${width}">${esc(name)}</th></tr>${rows.join('\n')}</tbody>`
}

function row(runs: readonly RunRecord[], id: string, name: string, text: string): string {
  const cells = runs.map((run, index) => cell(run, index, id)).join('')
  return `<tr><th scope="row"><a href="#rule-${id}">${name}</a> <span class="gist">${inlineCode(gist(text))}</span></th>${cells}</tr>`
}

/** The first sentence of a rule. */
function gist(text: string): string {
  const plain = text.replaceAll('*', '').replace(/^\(capability\) /, '')
  return plain.match(/^.*?[.:](?=\s|$)/s)?.[0].replace(/:$/, '.') ?? plain
}

function cell(run: RunRecord, index: number, rule: string): string {
  const verdict = ruleVerdict(run, rule)
  const target =
    verdict === 'failed'
      ? failureId(run, index, rule)
      : resultsOf(run, rule).length > 0 || run.soak?.checks[rule]
        ? `run-${index}-${rule}`
        : `rule-${rule}`
  return `<td class="${className(verdict)}"><a href="#${target}">${signed(verdict)}</a></td>`
}
