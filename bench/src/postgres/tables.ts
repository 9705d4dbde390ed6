import {
  perSecond,
  type Ratio,
  ratio,
  type Sample,
  type SideBySide,
  summarise,
} from '../measure.js'
import { type Cell, formatCell, type Goal, type Table } from '../report.js'

/** The contestant that the others are compared with. */
export const ours = 'Annals'

/** A row for each contestant: rate, latency, failures, and how many times faster ours is. */
export function rateTable(title: string, unit: string, results: SideBySide, scale = 1): Table {
  const failing = [...results.values()].some((rounds) =>
    rounds.some(({ failures }) => Object.keys(failures).length > 0),
  )
  const rows = [...results].map(([name, rounds]): Cell[] => {
    const summary = summarise(rounds)
    const { operations } = summary
    return [
      name,
      summary.perSecond * scale,
      `${formatCell(summary.perSecondLowest * scale)} – ${formatCell(summary.perSecondHighest * scale)}`,
      summary.p50,
      summary.p99,
      ...(failing ? [perOperation(summary.failures, operations)] : []),
      name === ours || !results.has(ours) ? null : times(ratio(results, ours, name, perSecond)),
    ]
  })
  return {
    title,
    columns: [
      '',
      unit,
      'lowest – highest',
      'p50 ms',
      'p99 ms',
      ...(failing ? ['failures by success'] : []),
      'Annals is',
    ],
    rows,
  }
}

function perOperation(failures: Readonly<Record<string, number>>, operations: number): string {
  const entries = Object.entries(failures)
  if (entries.length === 0) return 'none'
  return entries.map(([reason, n]) => `${formatCell(n / operations)} ${reason}`).join(', ')
}

function times({ median }: Ratio): string {
  return `${formatCell(median)}×`
}

/** A goal about two contestants; none where one of them did not take part. */
export function goalOf(
  what: string,
  aim: Goal['aim'],
  results: SideBySide,
  [numerator, denominator]: readonly [string, string],
  value: (result: Sample) => number,
): Goal[] {
  if (!results.has(numerator) || !results.has(denominator)) return []
  const { median, lowest, highest } = ratio(results, numerator, denominator, value)
  return [{ what, aim, measured: median, lowest, highest }]
}
