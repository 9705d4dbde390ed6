import { rules } from '../rules.js'
import { failureId } from './html-failures.js'
import { escapeMarkup as esc, scrolling } from './markup.js'
import { modelRule } from './model-rule.js'
import {
  anomaliesOf,
  type RunRecord,
  ruleVerdict,
  type SoakRecord,
  type Verdict,
} from './run-record.js'
import { className, count, duration, signed, verdicts } from './verdict-words.js'

/** What a reader is to know after five seconds: for each store whether anything failed, and how much is proven. */
export function summary(runs: readonly RunRecord[]): string {
  return `<section aria-labelledby="summary"><h2 id="summary">In short</h2>
<ul class="cards">${runs.map(card).join('\n')}</ul></section>`
}

function card(run: RunRecord, index: number): string {
  const of = new Map<Verdict, string[]>()
  for (const { id } of rules) {
    const verdict = ruleVerdict(run, id)
    of.set(verdict, [...(of.get(verdict) ?? []), id])
  }
  const proven = of.get('proven')?.length ?? 0
  const parts = verdicts.filter((verdict) => of.has(verdict))
  const bar = parts
    .map(
      (verdict) =>
        `<span class="${className(verdict)}" style="flex:${of.get(verdict)!.length}"></span>`,
    )
    .join('')
  const rest = parts
    .filter((verdict) => verdict !== 'proven')
    .map((verdict) => {
      const links = of.get(verdict)!.map((id) => {
        const target = verdict === 'failed' ? failureId(run, index, id) : `rule-${id}`
        return `<a href="#${target}">${id}</a>`
      })
      // Where nothing was selected, the names would say less than their number.
      const named = verdict === 'not run' ? '' : `: ${links.join(', ')}`
      return `<li><span class="${className(verdict)}">${signed(verdict)}</span> ${links.length}${named}</li>`
    })
  return `<li class="card ${run.ok ? 'good' : 'bad'}"><h3>${esc(run.store)}</h3>
<p class="headline">${headline(run, index)}</p>
<p class="share"><b>${proven} of ${rules.length}</b> rules proven</p>
<div class="share-bar" aria-hidden="true">${bar}</div>
<ul>${rest.join('')}</ul>
${run.soak ? `<p>${soakInShort(run.soak)}</p>` : ''}</li>`
}

function headline(run: RunRecord, index: number): string {
  if (run.ok) return '<span class="proven">✓ Nothing failed</span>'
  const broken = rules.filter(({ id }) => ruleVerdict(run, id) === 'failed').length
  const differs = ruleVerdict(run, modelRule.id) === 'failed'
  const what =
    broken > 0
      ? `${broken} ${broken === 1 ? 'rule' : 'rules'} broken`
      : differs
        ? 'Differs from the model'
        : 'The run itself failed'
  return `<a class="failed" href="#failures-${index}">✗ ${what}</a>`
}

function soakInShort(soak: SoakRecord): string {
  const anomalies = anomaliesOf(soak)
  const faults = Object.values(soak.faults).reduce((sum, times) => sum + times, 0)
  return `Soak of ${soak.minutes} min: ${anomalies === 0 ? 'no anomaly' : `<b class="failed">${count(anomalies)} anomalies</b>`} in ${count(soak.eventsChecked)} observed events, under ${count(faults)} faults`
}

/** How each run was made. */
export function runs(records: readonly RunRecord[]): string {
  const rows = records.map((run) => {
    const repeated = run.repeat > 1 ? `, concurrent ones ${run.repeat} times` : ''
    const seed = run.seed ?? run.soak?.seed
    const capabilities = Object.entries(run.capabilities ?? {})
      .map(
        ([name, value]) =>
          `<li>${esc(name)}: ${value === true ? 'yes' : value === false ? 'no' : esc(String(value))}</li>`,
      )
      .join('')
    return `<tr><th scope="row">${esc(run.store)}</th>
<td>${run.results.length} cases${repeated}</td>
<td>${esc(run.level)}</td>
<td>${duration(run.milliseconds)}</td>
<td>${seed ?? 'none given'}</td>
<td><time datetime="${esc(run.startedAt)}">${esc(run.startedAt.slice(0, 16).replace('T', ' '))}</time></td>
<td>${capabilities ? `<ul class="plain">${capabilities}</ul>` : 'unknown'}</td></tr>`
  })
  return `<section aria-labelledby="runs"><h2 id="runs">How it was examined</h2>
${scrolling(
  'How it was examined',
  `<table><thead><tr><th scope="col">Store</th><th scope="col">Examined by</th><th scope="col">Level</th><th scope="col">Took</th><th scope="col">Seed</th><th scope="col">When (UTC)</th><th scope="col">Capabilities</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table>`,
)}</section>`
}

/** What soaks did and found. */
export function soaks(records: readonly RunRecord[]): string {
  const rows = records.flatMap(({ store, soak }, index) => {
    if (soak === undefined) return []
    const list = (items: readonly string[]) =>
      items.length === 0
        ? 'none'
        : `<ul class="plain">${items.map((item) => `<li>${item}</li>`).join('')}</ul>`
    const faults = Object.entries(soak.faults).map(
      ([kind, times]) => `${count(times)} ${esc(kind)}`,
    )
    const anomalies = Object.entries(soak.anomaliesByRule).map(
      ([rule, times]) =>
        `<a href="#${failureId(records[index]!, index, rule)}">${rule}: ${count(times)}</a>`,
    )
    return [
      `<tr><th scope="row">${esc(store)}</th><td>${soak.minutes}</td><td>${count(soak.operations)}</td><td>${count(soak.eventsChecked)}</td><td>${count(soak.unknownOutcomes)}</td><td>${list(faults)}</td><td>${list(soak.faultsMissing.map(esc))}</td><td class="${anomalies.length === 0 ? 'proven' : 'failed'}">${anomalies.length === 0 ? '✓ none' : list(anomalies)}</td><td>${soak.seed}</td></tr>`,
    ]
  })
  if (rows.length === 0) return ''
  return `<section aria-labelledby="soaks"><h2 id="soaks">Soaks: histories under faults</h2>
<p>Many workers at once, a nemesis that makes faults, and a checker that holds what everybody saw against the contract.</p>
${scrolling(
  'Soaks',
  `<table><thead><tr><th scope="col">Store</th><th scope="col">Minutes</th><th scope="col">Operations</th><th scope="col">Events checked</th><th scope="col">Outcomes unknown</th><th scope="col">Faults made</th><th scope="col">Not possible</th><th scope="col">Anomalies</th><th scope="col">Seed</th></tr></thead><tbody>${rows.join('\n')}</tbody></table>`,
)}</section>`
}
