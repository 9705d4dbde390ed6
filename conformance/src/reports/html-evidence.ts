import { rules } from '../rules.js'
import { failureId } from './html-failures.js'
import { escapeMarkup as esc, inlineCode } from './markup.js'
import { modelRule } from './model-rule.js'
import { type CaseRecord, type RunRecord, resultsOf, ruleVerdict, verdictOf } from './run-record.js'
import { className, count, signed } from './verdict-words.js'

/** Rule by rule: what it says, and what stands behind each store's verdict. */
export function evidence(runs: readonly RunRecord[]): string {
  return `<section aria-labelledby="evidence"><h2 id="evidence">Evidence</h2>
${rules.map((rule) => article(runs, rule.id, rule.text)).join('\n')}
${article(runs, modelRule.id, modelRule.text)}</section>`
}

function article(runs: readonly RunRecord[], id: string, text: string): string {
  const parts = runs.map((run, index) => {
    const results = resultsOf(run, id)
    const checks = run.soak?.checks[id] ?? 0
    const anomalies = run.soak?.anomaliesByRule[id] ?? 0
    if (results.length + checks + anomalies === 0) return ''
    const verdict = ruleVerdict(run, id)
    const soak =
      anomalies > 0
        ? `<p>The soak found <b class="failed">${count(anomalies)} anomalies</b>.</p>`
        : checks > 0
          ? `<p>The soak held it against ${count(checks)} observations, without an anomaly.</p>`
          : ''
    const failed =
      verdict === 'failed'
        ? `<p><a href="#${failureId(run, index, id)}">What went wrong on ${esc(run.store)}</a></p>`
        : ''
    const cases = results.length > 0 ? `<ul>${results.map(caseLine).join('')}</ul>` : ''
    return `<details id="run-${index}-${id}"${verdict === 'proven' ? '' : ' open'}><summary>${esc(run.store)}: <span class="${className(verdict)}">${signed(verdict)}</span></summary>${cases}${soak}${failed}</details>`
  })
  return `<article><h3 id="rule-${id}">${id}</h3><p>${inlineCode(text)}</p>${parts.join('\n')}</article>`
}

function caseLine(result: CaseRecord): string {
  const reason = result.reason ? `: ${esc(result.reason)}` : ''
  const outcome = result.outcome.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  const error =
    result.outcome === 'knownFailure' && result.error ? `<pre>${esc(result.error)}</pre>` : ''
  return `<li><code>${esc(result.id)}</code> ${esc(result.title)}. <b class="${className(verdictOf([result]))}">${outcome}</b>${reason} <small>${Math.round(result.milliseconds)} ms</small>${error}</li>`
}
