import { expect, test } from 'vitest'
import {
  goalTable,
  hit,
  markdownOf,
  type Report,
  type Section,
  svgOf,
  withSection,
} from '../src/index.js'

const section = (id: string, title: string): Section => ({
  id,
  title,
  notes: ['One note.'],
  tables: [
    {
      title: 'Rates',
      columns: ['', 'per second'],
      rows: [
        ['A', 12345.6],
        ['B', null],
      ],
    },
  ],
  plots: [],
  goals: [{ what: 'A by B', aim: { atLeast: 2 }, measured: 1.5, lowest: 1, highest: 3 }],
  measuredAt: '2026-01-01T00:00:00.000Z',
  seconds: 1,
  loadBefore: 0,
})

const report: Report = {
  title: 'Title',
  date: '2026-01-01',
  machine: { cores: 2, cpu: 'CPU', memoryGiB: 4, system: 'linux', node: 'v20' },
  setting: { server: '1.0' },
  sections: [section('first', 'First'), section('third', 'Third')],
}

test('a section takes its place, or replaces what an earlier run measured', () => {
  const order = ['first', 'second', 'third']
  const added = withSection(report, section('second', 'Second'), order)
  expect(added.sections.map(({ title }) => title)).toEqual(['First', 'Second', 'Third'])
  const replaced = withSection(added, section('first', 'Again'), order)
  expect(replaced.sections.map(({ title }) => title)).toEqual(['Again', 'Second', 'Third'])
})

test('Markdown says what was measured where, and which goals were missed', () => {
  const markdown = markdownOf(report, { svg: 'plot.svg', remarks: 'Why.' })
  expect(markdown).toContain('2 cores (CPU), 4 GiB')
  expect(markdown).toContain('| A | 12,346 |')
  expect(markdown).toContain('| B | – |')
  expect(markdown).toContain('| A by B | ≥ 2 | 1.5 | 1 – 3 | **missed** |')
  expect(markdown).toContain('![All figures as plots](plot.svg)')
})

test('goals are hit from both sides', () => {
  expect(hit({ what: '', aim: { atLeast: 2 }, measured: 2 })).toBe(true)
  expect(hit({ what: '', aim: { atMost: 2 }, measured: 2.1 })).toBe(false)
  expect(hit({ what: '', aim: { atMost: 2 }, measured: Number.NaN })).toBe(false)
  expect(goalTable([])).toContain('goal')
})

test('a plot escapes what it is given, and draws a bar for each value', () => {
  const svg = svgOf('a < b', [
    {
      title: 'bars & lines',
      kind: 'bars',
      yLabel: 'per second',
      series: [
        { name: 'A', points: [{ x: 'x', y: 1500 }] },
        { name: 'B', points: [{ x: 'x', y: null }] },
      ],
    },
    { title: 'empty', kind: 'lines', yLabel: '', yLog: true, series: [{ name: 'A', points: [] }] },
  ])
  expect(svg).toContain('a &lt; b')
  expect(svg).toContain('bars &amp; lines')
  expect(svg).toContain('A: 1.5k')
  expect(svg).not.toContain('NaN')
  expect(svg).not.toContain('Infinity')
})
