import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Harness } from '../harness.js'
import { loadHarnesses, workspaceModules } from '../harness-modules.js'
import { memoryHarness } from '../memory-harness.js'
import { formatReport } from '../report.js'
import { type RunRecord, recordOf } from '../reports/index.js'
import { type RuleId, rules } from '../rules.js'
import { type ConformanceReport, concurrentRepeats, runConformance } from '../run.js'
import { type Command, UsageError, wholeNumber } from './command.js'
import { parseFormats, writeReports } from './write-reports.js'

/** Examines stores, and reports. */
export const run: Command = async (args) => {
  const { values, positionals: modules } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      rule: { type: 'string', multiple: true },
      case: { type: 'string', multiple: true },
      level: { type: 'string' },
      repeat: { type: 'string' },
      'model-runs': { type: 'string' },
      seed: { type: 'string' },
      'known-failures': { type: 'string' },
      watchdog: { type: 'string' },
      report: { type: 'string' },
      'report-dir': { type: 'string', default: '.' },
    },
  })
  const unknown = (values.rule ?? []).filter((id) => !rules.some((rule) => rule.id === id))
  if (unknown.length > 0) throw new UsageError(`there is no rule ${unknown.join(', ')}`)
  const level = values.level ?? 'full'
  if (level !== 'quick' && level !== 'full') throw new UsageError(`there is no level ${level}`)
  const formats = parseFormats(values.report)
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
    model: runs === 0 ? (false as const) : runs || seed !== undefined ? { runs, seed } : undefined,
  } as const

  const reports: ConformanceReport[] = []
  const records: RunRecord[] = []
  const examine = async (harness: Harness) => {
    const startedAt = new Date().toISOString()
    const started = performance.now()
    try {
      const report = await runConformance(harness, options)
      reports.push(report)
      records.push(
        recordOf(report, {
          startedAt,
          milliseconds: performance.now() - started,
          repeat: concurrentRepeats(options),
          ...(seed === undefined ? {} : { seed }),
        }),
      )
      if (!values.json) console.log(`${formatReport(report)}\n`)
    } finally {
      await harness.close?.()
    }
  }
  const absent: string[] = []
  if (modules.length === 0) await examine(memoryHarness())
  for (const module of modules.length > 0 ? modules : workspaceModules(process.cwd())) {
    for (const make of await loadHarnesses(module)) {
      const harness = await make().catch((error: unknown) => {
        // Where nobody asked for it by name, a server that is not to be had is said, and no failure.
        if (modules.length > 0) throw error
        absent.push(`not examined: ${module}: ${error instanceof Error ? error.message : error}`)
      })
      if (harness) await examine(harness)
    }
  }
  if (values.json) console.log(JSON.stringify(records, null, 2))
  else if (reports.length > 1) console.log(reports.map(summary).join('\n'))
  for (const line of absent) console.error(line)
  await writeReports(records, formats, values['report-dir'])
  return reports.every((report) => report.ok) ? 0 : 1
}

function summary(report: ConformanceReport): string {
  const count = (outcome: string) => report.results.filter((r) => r.outcome === outcome).length
  return `${report.ok ? 'ok    ' : 'FAILED'} ${report.harness}: ${count('passed')} passed, ${count('failed')} failed, ${count('notProven')} not proven, ${count('notOffered')} not offered, ${count('knownFailure')} known failures`
}
