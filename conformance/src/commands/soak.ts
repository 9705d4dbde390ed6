import { parseArgs } from 'node:util'
import { loadHarnesses } from '../harness-modules.js'
import { memoryHarness } from '../memory-harness.js'
import { type RunRecord, soakRunRecord } from '../reports/index.js'
import { type Command, UsageError } from './command.js'
import { formatSoak } from './format-soak.js'
import { parseSoakArguments, soakStore } from './soak-store.js'
import { parseFormats, writeReports } from './write-reports.js'

/** Loads stores with histories under faults for some minutes, one after the other, and checks them. */
export const soak: Command = async (args) => {
  const { values, positionals: modules } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      minutes: { type: 'string' },
      seed: { type: 'string' },
      workers: { type: 'string' },
      report: { type: 'string' },
      'report-dir': { type: 'string', default: '.' },
    },
  })
  const wanted = parseSoakArguments(values)
  const formats = parseFormats(values.report)
  const makers =
    modules.length > 0
      ? (await Promise.all(modules.map(loadHarnesses))).flat()
      : [async () => memoryHarness()]
  if (makers.length === 0) throw new UsageError(`${modules.join(', ')} has no harness`)
  const records: RunRecord[] = []
  for (const make of makers) {
    const harness = await make()
    try {
      const startedAt = new Date().toISOString()
      const started = performance.now()
      const found = await soakStore(harness, wanted)
      const milliseconds = performance.now() - started
      records.push(soakRunRecord(harness.name, found, { startedAt, milliseconds }))
      if (!values.json) console.log(`${formatSoak(harness.name, found)}\n`)
    } finally {
      await harness.close?.()
    }
  }
  if (values.json) console.log(JSON.stringify(records, null, 2))
  await writeReports(records, formats, values['report-dir'])
  return records.every(({ ok }) => ok) ? 0 : 1
}
