import { expect, test } from 'vitest'
import { run, sectionIds } from '../src/postgres/run.js'

// The figures of a quick run mean nothing. This test holds that everything that is measured still runs, and that nobody
// loses an event on the way.
test('every section of the benchmark runs', { timeout: 240_000 }, async () => {
  const report = await run({
    quick: true,
    poolSize: 20,
    sections: sectionIds,
    base: undefined,
    progress: () => {},
  })
  expect(report.sections.map(({ id }) => id)).toEqual(sectionIds)
  for (const { id, tables, plots, goals } of report.sections) {
    for (const table of tables) {
      expect(table.rows.length, `${id}: ${table.title}`).toBeGreaterThan(1)
      const cells = table.rows.flat().filter((cell) => typeof cell === 'number')
      expect(cells.every(Number.isFinite), `${id}: ${table.title}`).toBe(true)
    }
    expect(plots.length, id).toBeGreaterThan(0)
    expect(
      goals.every(({ measured }) => Number.isFinite(measured)),
      id,
    ).toBe(true)
  }
  const latency = report.sections.find(({ id }) => id === 'latency')
  expect(latency?.tables[0]?.rows.map((row) => row.at(-1))).toEqual([0, 0, 0, 0, 0])
})
