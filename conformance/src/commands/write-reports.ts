import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { htmlReport, junitReport, markdownReport, type RunRecord } from '../reports/index.js'
import { UsageError } from './command.js'

const formats = {
  html: { file: 'conformance.html', make: (runs: readonly RunRecord[]) => htmlReport(runs) },
  json: {
    file: 'conformance.json',
    make: (runs: readonly RunRecord[]) => `${JSON.stringify(runs, null, 2)}\n`,
  },
  junit: { file: 'conformance.xml', make: junitReport },
  markdown: { file: 'conformance.md', make: markdownReport },
} as const

type Format = keyof typeof formats

/** What `--report` and `--report-dir` ask for, checked before anything runs. */
export function parseFormats(text: string | undefined): readonly Format[] {
  if (text === undefined) return []
  return text.split(',').map((name) => {
    if (name in formats) return name as Format
    throw new UsageError(`there is no report ${name}; there are ${Object.keys(formats).join(', ')}`)
  })
}

export async function writeReports(
  runs: readonly RunRecord[],
  wanted: readonly Format[],
  directory: string,
): Promise<void> {
  for (const format of wanted) {
    const { file, make } = formats[format]
    const path = resolve(directory, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, make(runs))
    console.error(`report: ${path}`)
  }
}
