import { rules, sections } from '../rules.js'
import { style } from './html-style.js'
import { escapeMarkup as esc } from './markup.js'
import {
  type CaseRecord,
  type RunRecord,
  resultsOf,
  type SoakRecord,
  type Verdict,
  verdictOf,
} from './run-record.js'
import { timelineSvg } from './timeline.js'

/** A sign beside the word, so that nothing is told by colour alone. */
const signs: Record<Verdict, string> = {
  proven: '✓',
  'partly proven': '◐',
  failed: '✗',
  'known failure': '!',
  'not proven': '?',
  'not offered': '–',
  'not run': '·',
}

const meanings: Record<Verdict, string> = {
  proven: 'every case of the rule passed',
  'partly proven': 'cases passed, others need a hook that the harness lacks',
  failed: 'a case failed: the store breaks the rule',
  'known failure': 'a case fails, as the store’s own list says',
  'not proven': 'nothing is known: the harness lacks the hooks',
  'not offered': 'a capability is off, and its refusal was tested',
  'not run': 'no case of the rule was selected',
}

const modelRule = 'MODEL'

/** Runs side by side in one file that needs nothing else: no script, no font, no network. */
export function htmlReport(
  runs: readonly RunRecord[],
  title = 'Conformance of event stores',
): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${esc(title)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#matrix">To the matrix</a>
<header><h1>${esc(title)}</h1>
<p>What each store promises, rule by rule, and what stands behind the answer. Every cell leads to its evidence.</p></header>
<main>
${summary(runs)}
${matrix(runs)}
${failures(runs)}
${soaks(runs)}
${evidence(runs)}
</main>
<footer><p>Annals conformance suite ${esc([...new Set(runs.map((run) => run.suiteVersion))].join(', '))}, Node ${esc([...new Set(runs.map((run) => run.node))].join(', '))}.</p></footer>
</body>
</html>
`
}

function summary(runs: readonly RunRecord[]): string {
  const rows = runs.map((run, index) => {
    const verdicts = rules.map(({ id }) => verdictOf(resultsOf(run, id)))
    const count = (verdict: Verdict) => verdicts.filter((v) => v === verdict).length
    const repeated = run.repeat > 1 ? `, concurrent ones ${run.repeat} times` : ''
    return `<tr><th scope="row">${esc(run.store)}</th>
<td class="${run.ok ? 'proven' : 'failed'}">${run.ok ? '✓ nothing failed' : `<a href="#failures-${index}">✗ failed</a>`}</td>
<td>${count('proven')} of ${rules.length}</td>
<td>${run.results.length} cases${repeated}</td>
<td>${esc(run.level)}</td>
<td>${duration(run.milliseconds)}</td>
<td>${run.seed === undefined ? 'none' : run.seed}</td>
<td><time datetime="${esc(run.startedAt)}">${esc(run.startedAt.slice(0, 16).replace('T', ' '))}</time></td></tr>`
  })
  return `<section aria-labelledby="runs"><h2 id="runs">Runs</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="runs"><table><thead><tr><th scope="col">Store</th><th scope="col">Result</th><th scope="col">Rules proven</th><th scope="col">Examined by</th><th scope="col">Level</th><th scope="col">Took</th><th scope="col">Seed</th><th scope="col">When (UTC)</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div></section>`
}

function matrix(runs: readonly RunRecord[]): string {
  const columns = runs.map((run) => `<th scope="col">${esc(run.store)}</th>`).join('')
  const bodies = sections.map((section) => {
    const rows = rules
      .filter((rule) => rule.section === section)
      .map(
        (rule) =>
          `<tr><th scope="row"><a href="#rule-${rule.id}">${rule.id}</a></th>${runs.map((run, index) => verdictCell(run, index, rule.id)).join('')}</tr>`,
      )
    return `<tbody><tr class="section"><th scope="rowgroup" colspan="${runs.length + 1}">${esc(section)}</th></tr>${rows.join('\n')}</tbody>`
  })
  const model = `<tbody><tr class="section"><th scope="rowgroup" colspan="${runs.length + 1}">All rules together</th></tr><tr><th scope="row"><a href="#rule-${modelRule}">random sequences</a></th>${runs.map((run, index) => verdictCell(run, index, modelRule)).join('')}</tr></tbody>`
  const legend = (Object.keys(signs) as Verdict[]).map(
    (verdict) =>
      `<li><span class="${className(verdict)}">${signs[verdict]} ${verdict}</span>: ${meanings[verdict]}</li>`,
  )
  return `<section aria-labelledby="matrix"><h2 id="matrix">Rules by store</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="matrix"><table class="matrix"><thead><tr><th scope="col">Rule</th>${columns}</tr></thead>
${bodies.join('\n')}
${model}</table></div>
<ul class="legend">${legend.join('')}</ul></section>`
}

function verdictCell(run: RunRecord, index: number, rule: string): string {
  const results = resultsOf(run, rule)
  const verdict = verdictOf(results)
  const text = `${signs[verdict]} ${verdict}`
  return `<td class="${className(verdict)}">${
    results.length === 0 ? text : `<a href="#run-${index}-${rule}">${text}</a>`
  }</td>`
}

function failures(runs: readonly RunRecord[]): string {
  const parts = runs.flatMap((run, index) => {
    const failed = run.results.filter(({ outcome }) => outcome === 'failed')
    const anomalies = run.soak?.anomalies ?? []
    if (failed.length + run.problems.length + anomalies.length === 0) return []
    const items = [
      ...run.problems.map(
        (problem) => `<article><h4>The run itself</h4><pre>${esc(problem)}</pre></article>`,
      ),
      ...failed.map(
        (result) =>
          `<article><h4>${esc(result.id)}: ${esc(result.title)}</h4><pre tabindex="0">${esc(result.error ?? '')}</pre>${timelineSvg(result.timeline ?? [], `Operations that contradict each other in ${result.id}`)}</article>`,
      ),
      ...anomalies.map(
        (anomaly) =>
          `<article><h4>${esc(anomaly.rule)}, in the soak’s history</h4><p>${esc(anomaly.message)}</p>${timelineSvg(anomaly.timeline, `Operations that contradict ${anomaly.rule}`)}</article>`,
      ),
    ]
    return [`<h3 id="failures-${index}">${esc(run.store)}</h3>${items.join('\n')}`]
  })
  if (parts.length === 0) return ''
  return `<section aria-labelledby="failures"><h2 id="failures">Failures</h2>${parts.join('\n')}</section>`
}

function soaks(runs: readonly RunRecord[]): string {
  const soaked = runs.filter(
    (run): run is RunRecord & { soak: SoakRecord } => run.soak !== undefined,
  )
  if (soaked.length === 0) return ''
  const rows = soaked.map(({ store, soak }) => {
    const faults = Object.entries(soak.faults)
      .map(([kind, count]) => `${count.toLocaleString('en')} ${kind}`)
      .join(', ')
    return `<tr><th scope="row">${esc(store)}</th><td>${soak.minutes}</td><td>${soak.operations.toLocaleString('en')}</td><td>${soak.eventsChecked.toLocaleString('en')}</td><td>${esc(faults)}</td><td class="${soak.anomalies.length === 0 ? 'proven' : 'failed'}">${soak.anomalies.length}</td><td>${soak.seed}</td></tr>`
  })
  return `<section aria-labelledby="soaks"><h2 id="soaks">Soaks: histories under faults</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="soaks"><table><thead><tr><th scope="col">Store</th><th scope="col">Minutes</th><th scope="col">Operations</th><th scope="col">Events checked</th><th scope="col">Faults survived</th><th scope="col">Anomalies</th><th scope="col">Seed</th></tr></thead><tbody>${rows.join('\n')}</tbody></table></div></section>`
}

function evidence(runs: readonly RunRecord[]): string {
  const of = (id: string, text: string) => {
    const parts = runs.map((run, index) => {
      const results = resultsOf(run, id)
      if (results.length === 0) return ''
      const verdict = verdictOf(results)
      const checks = run.soak?.checks[id]
      const soak = checks
        ? `<p>The soak held it against ${checks.toLocaleString('en')} observations.</p>`
        : ''
      return `<details id="run-${index}-${id}"${verdict === 'proven' ? '' : ' open'}><summary>${esc(run.store)}: <span class="${className(verdict)}">${signs[verdict]} ${verdict}</span></summary><ul>${results.map(caseLine).join('')}</ul>${soak}</details>`
    })
    return `<article><h3 id="rule-${id}">${id}</h3><p>${inlineCode(text)}</p>${parts.join('\n')}</article>`
  }
  return `<section aria-labelledby="evidence"><h2 id="evidence">Evidence</h2>
${rules.map((rule) => of(rule.id, rule.text)).join('\n')}
${of(modelRule, 'Random sequences of calls give the answers of a simple model.')}</section>`
}

function caseLine(result: CaseRecord): string {
  const reason = result.reason ? `: ${esc(result.reason)}` : ''
  const outcome = result.outcome.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return `<li><code>${esc(result.id)}</code> ${esc(result.title)}. <b class="${className(verdictOf([result]))}">${outcome}</b>${reason} <small>${Math.round(result.milliseconds)} ms</small></li>`
}

function inlineCode(text: string): string {
  return esc(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

function className(verdict: Verdict): string {
  return verdict.replace(' ', '-')
}

function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  return seconds < 90 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`
}
