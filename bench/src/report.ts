import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Machine } from './machine.js'
import { type Plot, svgOf } from './plot.js'

/** A cell of a table. A number is shown with three significant digits or grouped thousands; raw in the JSON. */
export type Cell = string | number | null

export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

/** What was aimed at, and what came of it. */
export interface Goal {
  /** E.g. 'at 16 writers: appends/s of Annals by Emmett'. */
  readonly what: string
  readonly aim: { readonly atLeast: number } | { readonly atMost: number }
  readonly measured: number
  /** The lowest and the highest of the rounds, where there are several. */
  readonly lowest?: number | undefined
  readonly highest?: number | undefined
}

/** One part of a benchmark. A later run may replace it alone. */
export interface Section {
  readonly id: string
  readonly title: string
  /** What was done, in sentences: the reader must be able to judge fairness by it. */
  readonly notes: readonly string[]
  readonly tables: readonly Table[]
  readonly plots: readonly Plot[]
  readonly goals: readonly Goal[]
  /** ISO 8601. */
  readonly measuredAt: string
  readonly seconds: number
  /** The load average of the machine when the section began: what else was running. */
  readonly loadBefore: number
}

export interface Report {
  readonly title: string
  /** `yyyy-mm-dd` */
  readonly date: string
  readonly machine: Machine
  /** What ran: server, libraries, settings. Each a line `name: value`. */
  readonly setting: Readonly<Record<string, string>>
  readonly sections: readonly Section[]
}

export function hit(goal: Goal): boolean {
  return 'atLeast' in goal.aim
    ? goal.measured >= goal.aim.atLeast
    : goal.measured <= goal.aim.atMost
}

/** The report without one section, or with another one in its place. Sections keep the order of `order`. */
export function withSection(report: Report, section: Section, order: readonly string[]): Report {
  const sections = [...report.sections.filter(({ id }) => id !== section.id), section]
  sections.sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id))
  return { ...report, sections }
}

export function formatCell(cell: Cell): string {
  if (cell === null) return '–'
  if (typeof cell === 'string') return cell
  if (!Number.isFinite(cell)) return '–'
  if (Math.abs(cell) >= 1000) return Math.round(cell).toLocaleString('en-US')
  return String(Number(cell.toPrecision(3)))
}

export function markdownTable(columns: readonly string[], rows: readonly (readonly Cell[])[]) {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const numeric = columns.map((_, i) => rows.some((row) => typeof row[i] === 'number'))
  return [
    line(columns),
    line(numeric.map((isNumeric) => (isNumeric ? '---:' : '---'))),
    ...rows.map((row) => line(row.map(formatCell))),
  ].join('\n')
}

/** The goals of all sections, as a table that says of each whether it was hit. */
export function goalTable(goals: readonly Goal[]): string {
  return markdownTable(
    ['goal', 'aim', 'measured (median)', 'lowest – highest', ''],
    goals.map((goal) => [
      goal.what,
      'atLeast' in goal.aim ? `≥ ${goal.aim.atLeast}` : `≤ ${goal.aim.atMost}`,
      goal.measured,
      goal.lowest === undefined || goal.highest === undefined
        ? null
        : `${formatCell(goal.lowest)} – ${formatCell(goal.highest)}`,
      hit(goal) ? 'hit' : '**missed**',
    ]),
  )
}

export function markdownOf(report: Report, options: { svg?: string; remarks?: string } = {}) {
  const { machine } = report
  const goals = report.sections.flatMap((section) => section.goals)
  const parts = [
    `# ${report.title}`,
    `Measured on ${report.date} with ${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB of memory, ` +
      `${machine.system}, Node ${machine.node}.`,
    Object.entries(report.setting)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    ...(goals.length === 0 ? [] : ['## Goals', goalTable(goals)]),
    ...(options.remarks === undefined ? [] : [options.remarks.trim()]),
    ...(options.svg === undefined ? [] : [`![All figures as plots](${options.svg})`]),
    ...report.sections.flatMap((section) => [
      `## ${section.title}`,
      section.notes.join('\n'),
      ...section.tables.flatMap((table) => [
        `**${table.title}**`,
        markdownTable(table.columns, table.rows),
      ]),
      `<sub>${section.measuredAt}, ${formatCell(section.seconds)} s, load average before: ${section.loadBefore}</sub>`,
    ]),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Writes `<base>.json` and `<base>.svg`. */
export function writeReport(report: Report, base: string): { json: string; svg: string } {
  const json = `${base}.json`
  const svg = `${base}.svg`
  writeWhole(json, `${JSON.stringify(report, null, 2)}\n`)
  writeWhole(
    svg,
    svgOf(
      report.title,
      report.sections.flatMap((section) => section.plots),
    ),
  )
  return { json, svg }
}

const backends = ['postgres', 'dynamodb', 'kurrentdb'] as const

/** Keeps a backend's report in `results/`, and puts those of all backends into RESULTS.md, which their links start from. */
export function writeResults(folder: string, backend: (typeof backends)[number], markdown: string) {
  const partOf = (name: string) => join(folder, 'results', `${name}.md`)
  writeWhole(partOf(backend), markdown)
  const parts = backends.map(partOf).filter((file) => existsSync(file))
  const whole = parts.map((file) => readFileSync(file, 'utf8').trim().replace(/^#/gm, '##'))
  writeWhole(
    join(folder, 'RESULTS.md'),
    `# What was measured\n\nBy \`pnpm bench\`, one part for each backend; README.md says how.\n\n${whole.join('\n\n')}\n`,
  )
}

/** A report of an earlier run, or undefined where there is none. */
export function readReport(base: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(`${base}.json`, 'utf8')) as Report
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Beside and renamed: a run that is broken off leaves the file whole. */
export function writeWhole(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}
