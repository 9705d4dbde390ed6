import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Harness } from '../harness.js'
import { loadHarnesses, workspaceModules } from '../harness-modules.js'
import { memoryHarness } from '../memory-harness.js'
import { formatReport } from '../report.js'
import { type RunRecord, recordOf, withSoak } from '../reports/index.js'
import { type RuleId, rules } from '../rules.js'
import { type ConformanceOptions, concurrentRepeats, runConformance } from '../run.js'
import { type Command, UsageError, wholeNumber } from './command.js'
import { formatSoak } from './format-soak.js'
import { ProgressLines, runProgress } from './progress.js'
import { parseSoakArguments, type SoakArguments, soakStore } from './soak-store.js'
import { parseFormats, writeReports } from './write-reports.js'

/** Examines stores, and reports. */
export const run: Command = async (args) => {
  const { values, modules } = parse(args)
  const { options, soak } = await optionsOf(values)
  const formats = parseFormats(values.report)
  const records: RunRecord[] = []
  const examine = async (harness: Harness) => {
    try {
      const record = await examineStore(harness, options, soak, !values.json)
      records.push(record)
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
  else if (records.length > 1) console.log(records.map(summary).join('\n'))
  for (const line of absent) console.error(line)
  await writeReports(records, formats, values['report-dir'])
  return records.every(({ ok }) => ok) ? 0 : 1
}

function parse(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      rule: { type: 'string', multiple: true },
      case: { type: 'string', multiple: true },
      level: { type: 'string', default: 'full' },
      minutes: { type: 'string' },
      workers: { type: 'string' },
      repeat: { type: 'string' },
      bail: { type: 'boolean' },
      'model-runs': { type: 'string' },
      seed: { type: 'string' },
      'known-failures': { type: 'string' },
      watchdog: { type: 'string' },
      report: { type: 'string' },
      'report-dir': { type: 'string', default: '.' },
    },
  })
  return { values, modules: positionals }
}

/** What the command line asks for, checked before any server is started. */
async function optionsOf(
  values: ReturnType<typeof parse>['values'],
): Promise<{ options: ConformanceOptions; soak: SoakArguments | undefined }> {
  const unknown = (values.rule ?? []).filter((id) => !rules.some((rule) => rule.id === id))
  if (unknown.length > 0) throw new UsageError(`there is no rule ${unknown.join(', ')}`)
  const { level } = values
  if (level !== 'quick' && level !== 'full' && level !== 'soak')
    throw new UsageError(`there is no level ${level}; there are quick, full and soak`)
  for (const option of ['minutes', 'workers'] as const)
    if (values[option] !== undefined && level !== 'soak')
      throw new UsageError(`--${option} goes with --level soak`)
  const runs = wholeNumber('--model-runs', values['model-runs'])
  const seed = wholeNumber('--seed', values.seed)
  return {
    options: {
      level: level === 'soak' ? 'full' : level,
      rules: values.rule as RuleId[] | undefined,
      cases: values.case,
      repeat: wholeNumber('--repeat', values.repeat),
      bail: values.bail,
      watchdogMs: wholeNumber('--watchdog', values.watchdog),
      knownFailures: await knownFailuresIn(values['known-failures']),
      model: runs === 0 ? false : runs || seed !== undefined ? { runs, seed } : undefined,
    },
    soak: level === 'soak' ? parseSoakArguments(values) : undefined,
  }
}

async function knownFailuresIn(
  file: string | undefined,
): Promise<Record<string, string> | undefined> {
  if (file === undefined) return undefined
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`--known-failures: ${error.message}`)
  })
  let known: unknown
  try {
    known = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`--known-failures: ${file} is not JSON: ${(error as Error).message}`)
  }
  const entries = typeof known === 'object' && known !== null ? Object.entries(known) : undefined
  if (!entries || Array.isArray(known) || entries.some(([, why]) => typeof why !== 'string'))
    throw new UsageError(
      `--known-failures: ${file} must be an object: the ids of cases, and for each why it fails`,
    )
  return Object.fromEntries(entries) as Record<string, string>
}

/** Runs the cases and, where it is asked for, the soak of one store. */
async function examineStore(
  harness: Harness,
  options: ConformanceOptions,
  soak: SoakArguments | undefined,
  print: boolean,
): Promise<RunRecord> {
  const startedAt = new Date().toISOString()
  const started = performance.now()
  const milliseconds = () => performance.now() - started
  const lines = new ProgressLines()
  const report = await runConformance(harness, {
    ...options,
    timelines: true,
    ...runProgress(lines, harness.name),
  }).finally(() => lines.end())
  if (print) console.log(`${formatReport(report)}\n`)
  const seed = options.model ? options.model.seed : undefined
  const record = recordOf(report, {
    startedAt,
    milliseconds: milliseconds(),
    repeat: concurrentRepeats(options),
    ...(seed === undefined ? {} : { seed }),
  })
  // A store that cannot even be opened has said why; and who stops at the first failure wants nothing after it.
  if (!soak || report.results.length === 0 || (options.bail && !report.ok)) return record
  const found = await soakStore(harness, soak)
  if (print) console.log(`${formatSoak(harness.name, found)}\n`)
  return withSoak({ ...record, milliseconds: milliseconds() }, found)
}

function summary(record: RunRecord): string {
  const count = (outcome: string) => record.results.filter((r) => r.outcome === outcome).length
  return `${record.ok ? 'ok    ' : 'FAILED'} ${record.store}: ${count('passed')} passed, ${count('failed')} failed, ${count('notProven')} not proven, ${count('notOffered')} not offered, ${count('knownFailure')} known failures`
}
