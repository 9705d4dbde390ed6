// Runs the conformance suite on published stores: `pnpm field-test [store…] [--all-rules]`.
import { parseArgs } from 'node:util'
import { allCases, type CaseResult, type RuleId, rules, runConformance } from '@annals/conformance'
import { type Examined, installedVersion, stores } from './stores/index.js'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  // Examines what is not claimed, too: to look around, not to report.
  options: { 'all-rules': { type: 'boolean' } },
})
const chosen = positionals.length === 0 ? Object.keys(stores) : positionals

/** A case that met something that the store does not offer says nothing about the store. */
function outcomeOf(result: CaseResult): string {
  if (result.outcome === 'failed' && /UNSUPPORTED|UnsupportedError/.test(String(result.error)))
    return 'not offered'
  return (
    { passed: 'held', notProven: 'not proven', notOffered: 'not offered' }[
      result.outcome as string
    ] ?? 'failed'
  )
}

/** Where what a single call does is the question; the other rules are examined patiently. */
const strict = (rule: RuleId) => rule.startsWith('EXPECT-') || rule === 'SUB-1'

async function examine(name: string, store: Examined): Promise<void> {
  const all = values['all-rules'] === true
  const claimed = all ? rules.map((rule) => rule.id) : (Object.keys(store.claims.rules) as RuleId[])
  const beyond = all ? {} : (store.claims.beyond ?? {})
  for (const id of Object.keys(beyond))
    if (!allCases.some((c) => c.id === id)) throw new Error(`${name}: there is no case ${id}`)
  const cases = allCases.filter((c) => claimed.includes(c.rule) && !(c.id in beyond))
  const tally = new Map<string, Record<string, number>>()

  for (const manner of ['strict', 'patient'] as const) {
    const chosenCases = cases.filter((c) => strict(c.rule) === (manner === 'strict'))
    if (chosenCases.length === 0) continue
    const harness = await store.harness(manner)
    const version = installedVersion(store.package)
    console.log(`\n## ${name}: ${store.package} ${version} (${harness.name}, ${manner})\n`)
    const report = await runConformance(harness, {
      cases: chosenCases.map((c) => c.id),
      model: false,
      watchdogMs: 20_000,
      onResult(result) {
        if (result.rule === 'MODEL') return
        const outcome = outcomeOf(result)
        const counts = tally.get(result.rule) ?? {}
        counts[outcome] = (counts[outcome] ?? 0) + 1
        tally.set(result.rule, counts)
        if (outcome === 'failed') {
          const lines = result.error?.message.split('\n').slice(1, 8) ?? []
          console.log(`failed ${result.id}: ${result.title}\n${lines.join('\n')}`)
        } else if (outcome !== 'held') console.log(`${outcome} ${result.id}`)
      },
    })
    for (const problem of report.problems) console.log(`problem: ${problem}`)
    await harness.close?.()
  }

  console.log('\n| rule | held | failed | not offered | not proven |\n|---|---|---|---|---|')
  for (const [rule, counts] of tally) {
    const cells = ['held', 'failed', 'not offered', 'not proven'].map((o) => counts[o] ?? '')
    console.log(`| ${rule} | ${cells.join(' | ')} |`)
  }
}

for (const name of chosen) {
  const store = stores[name]
  if (store === undefined)
    throw new Error(`there is no store ${name}; there are ${Object.keys(stores).join(', ')}`)
  await examine(name, store)
}
// Some of the examined packages keep timers or connections that cannot be ended from outside.
process.exit()
