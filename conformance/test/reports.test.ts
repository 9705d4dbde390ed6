import { describe, expect, it } from 'vitest'
import { memoryHarness, rules, runConformance } from '../src/index.js'
import {
  htmlReport,
  junitReport,
  markdownReport,
  parseRecord,
  type RunRecord,
  recordOf,
} from '../src/reports/index.js'

const nasty = 'expected <b>"1"</b> & came \u0000 \ud800'

async function runs(): Promise<[RunRecord, RunRecord]> {
  const report = await runConformance(memoryHarness(), { rules: ['EXPECT-2', 'ALL-6', 'SNAP-1'] })
  const good = recordOf(report, {
    startedAt: '2026-01-02T03:04:05.000Z',
    milliseconds: 1234,
    repeat: 50,
  })
  const [first, ...rest] = good.results
  const bad: RunRecord = {
    ...good,
    store: 'faulty <store>',
    ok: false,
    results: [
      {
        ...first!,
        outcome: 'failed',
        error: nasty,
        timeline: [
          { process: 'w1', start: 10, end: 20, text: 'append → version 1' },
          { process: 'w2', start: 12, end: null, text: nasty },
        ],
      },
      ...rest,
    ],
  }
  return [good, bad]
}

/** The tags of a document, with every one closed in its turn; void elements stand alone. */
function expectBalanced(markup: string): void {
  const open: string[] = []
  for (const [, close, name, selfClosed] of markup.matchAll(
    /<(\/)?([a-z][a-z0-9]*)(?:\s[^<>]*?)?(\/)?>/g,
  )) {
    if (selfClosed || ['meta', 'br'].includes(name!)) continue
    if (!close) open.push(name!)
    else expect(open.pop()).toBe(name)
  }
  expect(open).toEqual([])
}

describe('reports', () => {
  it('tell what was proven, what not and why, store beside store', async () => {
    const [good, bad] = await runs()
    const html = htmlReport([good, bad])
    expectBalanced(html)
    expect(html).toContain('faulty &lt;store&gt;')
    expect(html).toContain('expected &lt;b&gt;&quot;1&quot;&lt;/b&gt; &amp; came \ufffd \ufffd')
    expect(html).not.toContain('\u0000')
    for (const { id } of rules) expect(html).toContain(`id="rule-${id}"`)
    // A link leads to everything that it names.
    for (const [, target] of html.matchAll(/href="#([^"]+)"/g))
      expect(html).toContain(`id="${target}"`)
    expect(html).toContain('<a href="#run-0-EXPECT-2">✓ proven</a>')
    expect(html).toContain('<a href="#run-1-EXPECT-2">✗ failed</a>')
    expect(html).toContain('<a href="#run-0-ALL-6">? not proven</a>')
    expect(html).toContain('<td class="not-run">· not run</td>')
    expect(html).toContain('nobody else can have a transaction in this process’s memory')
    expect(html).not.toMatch(/<script|src=|@import|url\(/)
  })

  it('count for CI as JUnit does: what is not proven is skipped, never passed', async () => {
    const [good, bad] = await runs()
    const xml = junitReport([good, bad])
    expectBalanced(xml)
    const notProven = good.results.filter((result) => result.outcome === 'notProven').length
    expect(notProven).toBeGreaterThan(0)
    expect(xml).toContain(
      `<testsuite name="memory" tests="${good.results.length}" failures="0" skipped="${notProven}"`,
    )
    expect(xml).toContain('failures="1"')
    expect(xml).toContain('<failure message="expected &lt;b&gt;')
  })

  it('are Markdown for a pull request', async () => {
    const markdown = markdownReport(await runs())
    expect(markdown).toContain('| rule | memory | faulty <store> |')
    expect(markdown).toMatch(/\| EXPECT-2 \| proven \(\d+\) \| failed \(\d+\) \|/)
  })

  it('keep as JSON what they are made from, and refuse what is something else', async () => {
    const [good] = await runs()
    expect(parseRecord(JSON.stringify(good))).toEqual(good)
    expect(() => parseRecord('{}')).toThrow('not the record of a run')
    expect(() => parseRecord(JSON.stringify({ ...good, version: 2 }))).toThrow('of version 2')
  })
})
