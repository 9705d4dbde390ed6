import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { parseRecord, type RunRecord } from '../reports/index.js'
import { type Command, UsageError } from './command.js'
import { parseFormats, writeReports } from './write-reports.js'

/** Sets runs that were kept as JSON side by side. */
export const report: Command = async (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      report: { type: 'string', default: 'html' },
      'report-dir': { type: 'string', default: '.' },
    },
  })
  if (positionals.length === 0) throw new UsageError('report takes the JSON files of runs')
  const formats = parseFormats(values.report)
  const runs: RunRecord[] = []
  for (const file of positionals) {
    const kept: unknown = JSON.parse(await readFile(file, 'utf8'))
    for (const one of Array.isArray(kept) ? kept : [kept])
      runs.push(parseRecord(JSON.stringify(one)))
  }
  await writeReports(runs, formats, values['report-dir'])
  return 0
}
