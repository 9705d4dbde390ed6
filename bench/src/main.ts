// The program behind `pnpm bench`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { run, sectionIds } from './postgres/run.js'
import {
  goalTable,
  markdownOf,
  markdownTable,
  readReport,
  writeReport,
  writeResults,
} from './report.js'

const usage = `pnpm bench [options]
  --only a,b     only these sections: ${sectionIds.join(', ')}; the others keep what today's file has
  --resume       only the sections that today's file does not have
  --quick        everything in seconds, to see that it runs; writes no files
  --pool <n>     connections of each contestant (default 32)`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    resume: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    pool: { type: 'string', default: '32' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(usage)
  process.exit()
}

const only = values.only?.split(',') ?? sectionIds
const unknown = only.filter((id) => !sectionIds.includes(id))
if (unknown.length > 0) {
  console.error(`No section is named ${unknown.join(', ')}.\n${usage}`)
  process.exit(1)
}

const folder = fileURLToPath(new URL('..', import.meta.url))
const date = new Date().toISOString().slice(0, 10)
const base = join(folder, 'results', date)
const earlier = values.quick ? undefined : readReport(base)
const keep = values.resume || values.only !== undefined
const done = values.resume ? (earlier?.sections.map(({ id }) => id) ?? []) : []

/** A line that overwrites itself, where somebody looks. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

const report = await run({
  quick: values.quick,
  poolSize: Number(values.pool),
  sections: only.filter((id) => !done.includes(id)),
  base: keep ? earlier : undefined,
  progress,
  onSection: (soFar, section) => {
    progress('')
    console.log(`\n# ${section.title} (${Math.round(section.seconds)} s)`)
    for (const table of section.tables) {
      console.log(`\n${table.title}\n${markdownTable(table.columns, table.rows)}`)
    }
    if (!values.quick) writeReport(soFar, base)
  },
})

console.log(`\n# Goals\n\n${goalTable(report.sections.flatMap(({ goals }) => goals))}`)
if (!values.quick) {
  const remarks = readFileSync(join(folder, 'results', 'remarks.md'), 'utf8')
  const markdown = markdownOf(report, { svg: `results/${date}.svg`, remarks })
  writeResults(folder, 'postgres', markdown)
  console.log(`\nWritten: bench/RESULTS.md, bench/results/${date}.json, bench/results/${date}.svg`)
}
// evtstore's event handlers keep a timer for ever, also when stopped.
process.exit()
