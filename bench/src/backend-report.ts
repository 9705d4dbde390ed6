import { fileURLToPath } from 'node:url'
import { describeMachine, loadNow } from './machine.js'
import { type Ratio, type SideBySide, summarise } from './measure.js'
import {
  type Cell,
  type Goal,
  goalTable,
  markdownOf,
  type Report,
  type Section,
  writeResults,
} from './report.js'

const data = {
  orderId: '7f3c',
  customer: 'C-1042',
  lines: [{ sku: 'A-17', quantity: 3, cents: 1299 }],
  note: 'x'.repeat(80),
}
const metadata = { correlationId: '0190a1b2-0000-7000-8000-000000000001' }

/** Some 200 bytes of JSON, as an application's event may have. */
export const event = () => ({ type: 'OrderPlaced', data, metadata })

/** `--quick`: everything once, in seconds, to see that it runs. Nothing is written then. */
export const quick = process.argv.includes('--quick')

/** Measured rounds, after one to warm up. */
export const rounds = quick ? 1 : 5

/** The columns of `rateRows`. */
export const rateColumns = ['', '', 'per second', 'p50 ms', 'p99 ms']

/** A row for each contender. */
export function rateRows(what: string, results: SideBySide): Cell[][] {
  return [...results].map(([name, samples]) => {
    const { perSecond, p50, p99 } = summarise(samples)
    return [what, name, perSecond, p50, p99]
  })
}

/** The report of a program that measures one backend, section by section. */
export class BackendReport {
  readonly #goals: Goal[] = []
  readonly #sections: Section[] = []

  /** Belongs to the section under way. */
  goal(what: string, measured: Ratio | number, aim: Goal['aim']): void {
    this.#goals.push(
      typeof measured === 'number'
        ? { what, aim, measured }
        : {
            what,
            aim,
            measured: measured.median,
            lowest: measured.lowest,
            highest: measured.highest,
          },
    )
  }

  /** Measures a section of one table. */
  async section(
    about: Pick<Section, 'id' | 'title' | 'notes'>,
    measure: () => Promise<{ columns: readonly string[]; rows: readonly (readonly Cell[])[] }>,
  ): Promise<void> {
    process.stderr.write(`${about.title}\n`)
    const loadBefore = loadNow()
    const began = performance.now()
    const before = this.#goals.length
    const table = await measure()
    this.#sections.push({
      ...about,
      tables: [{ title: about.title, ...table }],
      plots: [],
      goals: this.#goals.slice(before),
      measuredAt: new Date().toISOString(),
      seconds: (performance.now() - began) / 1000,
      loadBefore,
    })
  }

  /** Prints the goals, and keeps the report; with `--quick` prints that too instead. */
  finish(
    backend: Parameters<typeof writeResults>[1],
    { title, setting, remarks }: Pick<Report, 'title' | 'setting'> & { remarks?: string },
  ): void {
    const report: Report = {
      title,
      date: new Date().toISOString().slice(0, 10),
      machine: describeMachine(),
      setting: {
        ...setting,
        rounds: `${rounds} measured rounds in turns, after one to warm up; medians`,
      },
      sections: this.#sections,
    }
    console.log(goalTable(this.#goals))
    const markdown = markdownOf(report, remarks === undefined ? {} : { remarks })
    if (quick) console.log(markdown)
    else writeResults(fileURLToPath(new URL('..', import.meta.url)), backend, markdown)
  }
}
