import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { joinSoaks, parseRecord, type RunRecord } from '../reports/index.js'
import { type Command, UsageError } from './command.js'
import { parseFormats, writeReports } from './write-reports.js'

/** Sets runs that were kept as JSON side by side; a soak joins the run of its store. */
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
  const runs = (await Promise.all(positionals.map(recordsIn))).flat()
  if (runs.length === 0) throw new UsageError('there is no run in these files')
  await writeReports(joinSoaks(runs), formats, values['report-dir'])
  return 0
}

async function recordsIn(file: string): Promise<RunRecord[]> {
  try {
    const kept: unknown = JSON.parse(await readFile(file, 'utf8'))
    return (Array.isArray(kept) ? kept : [kept]).map((one) => parseRecord(JSON.stringify(one)))
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`)
  }
}
