#!/usr/bin/env node
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { allCases } from './cases/index.js'
import type { Harness } from './harness.js'
import { HarnessModuleError, loadHarness, workspaceModules } from './harness-modules.js'
import { memoryHarness } from './memory-harness.js'
import { mutants } from './mutants.js'
import { formatReport } from './report.js'
import { type RuleId, rules } from './rules.js'
import { type ConformanceReport, runConformance } from './run.js'

const usage = `Usage:
  annals-conformance --list [--json]            each rule, its cases, and the mutants they catch
  annals-conformance run <module>... [options]  examines the stores of harness modules
  annals-conformance [run] [options]            examines the memory store, and in a workspace the stores of
                                                packages/*/test/harness.ts whose servers are to be had

A harness module's default export is a Harness, or a function that returns one or a promise of one.
TypeScript modules are loaded through tsx, where it is installed.

Options:
  --rule <id>            only the cases of this rule; may be given several times
  --case <id>            only this case; may be given several times
  --level quick|full     default: full
  --repeat <n>           runs the cases whose result may depend on timing n times (ANNALS_REPEAT)
  --model-runs <n>       random sequences against the model; 0: none
  --seed <n>             the seed of those sequences (ANNALS_SEED)
  --known-failures <f>   a JSON file of case ids, and why each is known to fail
  --watchdog <ms>        when a case is taken to hang; default: 60000
  --json                 the report as JSON
  --help

Ends with 0 where nothing failed, 1 where something did, 2 where the command is wrong.`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
      rule: { type: 'string', multiple: true },
      case: { type: 'string', multiple: true },
      level: { type: 'string' },
      repeat: { type: 'string' },
      'model-runs': { type: 'string' },
      seed: { type: 'string' },
      'known-failures': { type: 'string' },
      watchdog: { type: 'string' },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  if (values.list) {
    console.log(values.json ? JSON.stringify(listing(), null, 2) : list())
    return 0
  }
  const modules = positionals[0] === 'run' ? positionals.slice(1) : positionals
  const unknown = (values.rule ?? []).filter((id) => !rules.some((rule) => rule.id === id))
  if (unknown.length > 0) throw new UsageError(`there is no rule ${unknown.join(', ')}`)
  const level = values.level ?? 'full'
  if (level !== 'quick' && level !== 'full') throw new UsageError(`there is no level ${level}`)
  const knownFailures = values['known-failures']
    ? (JSON.parse(await readFile(values['known-failures'], 'utf8')) as Record<string, string>)
    : undefined

  const runs = wholeNumber('--model-runs', values['model-runs'])
  const seed = wholeNumber('--seed', values.seed)
  const options = {
    level,
    rules: values.rule as RuleId[] | undefined,
    cases: values.case,
    repeat: wholeNumber('--repeat', values.repeat),
    watchdogMs: wholeNumber('--watchdog', values.watchdog),
    knownFailures,
    model: runs === 0 ? (false as const) : runs || seed ? { runs, seed } : undefined,
  } as const

  const reports: ConformanceReport[] = []
  const examine = async (harness: Harness) => {
    try {
      const report = await runConformance(harness, options)
      reports.push(report)
      if (!values.json) console.log(`${formatReport(report)}\n`)
    } finally {
      await harness.close?.()
    }
  }
  const absent: string[] = []
  if (modules.length > 0) for (const module of modules) await examine(await loadHarness(module))
  else {
    await examine(memoryHarness())
    for (const module of workspaceModules(process.cwd())) {
      // Nobody asked for this one: where its server is not to be had, that is said and no failure.
      const harness = await loadHarness(module).catch((error: unknown) => {
        absent.push(`not examined: ${module}: ${error instanceof Error ? error.message : error}`)
      })
      if (harness) await examine(harness)
    }
  }
  if (values.json) console.log(JSON.stringify(reports.map(asJson), null, 2))
  else if (reports.length > 1) console.log(reports.map(summary).join('\n'))
  for (const line of absent) console.error(line)
  return reports.every((report) => report.ok) ? 0 : 1
}

class UsageError extends Error {}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) throw new UsageError(`${option} takes a whole number, not ${text}`)
  return Number(text)
}

function listing() {
  return rules.map(({ id, section, text }) => ({
    id,
    section,
    text,
    cases: allCases
      .filter((c) => c.rule === id)
      .map(({ id, title, hooks = [], needs, level = 'quick' }) => ({
        id,
        title,
        hooks,
        needs: needs?.capability ?? null,
        level,
      })),
    mutants: mutants.filter((m) => m.rule === id).map(({ name, defect }) => ({ name, defect })),
  }))
}

function list(): string {
  const lines: string[] = []
  for (const rule of listing()) {
    lines.push(`${rule.id}  ${rule.text}`)
    for (const { id, title, hooks, needs, level } of rule.cases) {
      const conditions = [
        ...(needs ? [`needs ${needs}`] : []),
        ...(hooks.length > 0 ? [`hook ${hooks.join(', ')}`] : []),
        ...(level === 'full' ? ['full'] : []),
      ]
      lines.push(`    ${id}: ${title}${conditions.length > 0 ? ` [${conditions.join('; ')}]` : ''}`)
    }
    for (const { name, defect } of rule.mutants) lines.push(`    catches ${name}: ${defect}`)
    lines.push('')
  }
  lines.push(
    `${rules.length} rules, ${allCases.length} cases, ${mutants.length} mutants; ` +
      'each mutant is a store with one defect that at least one case of its rule finds.',
  )
  return lines.join('\n')
}

function asJson(report: ConformanceReport) {
  return {
    ...report,
    results: report.results.map((result) => ({ ...result, error: result.error?.message })),
  }
}

function summary(report: ConformanceReport): string {
  const count = (outcome: string) => report.results.filter((r) => r.outcome === outcome).length
  return `${report.ok ? 'ok    ' : 'FAILED'} ${report.harness}: ${count('passed')} passed, ${count('failed')} failed, ${count('notProven')} not proven, ${count('notOffered')} not offered, ${count('knownFailure')} known failures`
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    console.error(
      error instanceof UsageError
        ? `${error.message}\n\n${usage}`
        : error instanceof HarnessModuleError
          ? error.message
          : error,
    )
    process.exitCode = 2
  },
)
