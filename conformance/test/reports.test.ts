import { describe, expect, it } from 'vitest'
import { memoryHarness, rules, runConformance } from '../src/index.js'
import {
  htmlReport,
  joinSoaks,
  junitReport,
  markdownReport,
  parseRecord,
  type RunRecord,
  recordOf,
  ruleVerdict,
  type SoakRecord,
  soakRunRecord,
  withSoak,
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

const quiet: SoakRecord = {
  seed: 5,
  minutes: 0.5,
  rounds: 2,
  operations: 1000,
  eventsChecked: 4000,
  unknownOutcomes: 3,
  faults: { outage: 2 },
  faultsMissing: ['kill-worker'],
  checks: { 'EXPECT-2': 40, 'APPEND-1': 7, 'ALL-6': 1 },
  anomaliesByRule: {},
  anomalies: [],
  histories: [],
}

const anomalous: SoakRecord = {
  ...quiet,
  anomaliesByRule: { 'EXPECT-2': 2 },
  anomalies: [{ rule: 'EXPECT-2', message: 'two <appends> succeeded', timeline: [] }],
  histories: ['/tmp/history-5-1.jsonl'],
}

describe('a soak', () => {
  const about = { startedAt: '2026-01-02T05:00:00.000Z', milliseconds: 30_000 }
  const alone = (soak: SoakRecord) => soakRunRecord('memory', { soak, problems: [] }, about)

  it('joins the run of the same store, once, and leaves others alone', async () => {
    const [good, bad] = await runs()
    const other = soakRunRecord('another store', { soak: quiet, problems: [] }, about)
    const joined = joinSoaks([alone(quiet), bad, other, good, alone(anomalous)])
    expect(joined.map(({ store, level }) => [store, level])).toEqual([
      ['faulty <store>', 'full'],
      ['memory', 'full + soak'],
      ['another store', 'soak'],
      ['memory', 'soak'],
    ])
    expect(joined[1]).toEqual({
      ...good,
      level: 'full + soak',
      milliseconds: good.milliseconds + 30_000,
      soak: quiet,
    })
  })

  it('breaks a rule that its cases could not break, and proves none that they have not', async () => {
    const [good] = await runs()
    expect(ruleVerdict(good, 'EXPECT-2')).toBe('proven')
    const broken = withSoak(good, { soak: anomalous, problems: [] })
    expect(broken.ok).toBe(false)
    expect(ruleVerdict(broken, 'EXPECT-2')).toBe('failed')
    const watched = withSoak(good, { soak: quiet, problems: [] })
    expect(watched.ok).toBe(true)
    expect(ruleVerdict(watched, 'EXPECT-2')).toBe('proven')
    expect(ruleVerdict(watched, 'APPEND-1')).toBe('observed')
    expect(ruleVerdict(watched, 'ALL-6')).toBe('not proven')
    expect(ruleVerdict(watched, 'READ-1')).toBe('not run')
  })

  it('that came to no end fails the run, and says why', async () => {
    const run = soakRunRecord(
      'memory',
      { problems: ['the soak did not come to its end: …'] },
      about,
    )
    expect(run.ok).toBe(false)
    expect(htmlReport([run])).toContain('did not come to its end')
  })

  it('stands in every report', () => {
    const records = [alone(anomalous)]
    const html = htmlReport(records)
    expectBalanced(html)
    for (const part of [
      'two &lt;appends&gt; succeeded',
      '<td>4,000</td>',
      '2 outage',
      'kill-worker',
      'annals-conformance soak &lt;harness&gt; --minutes 0.5 --seed 5',
      'annals-conformance check /tmp/history-5-1.jsonl',
      '<a href="#failure-0-EXPECT-2">✗ failed</a>',
      '<a href="#run-0-APPEND-1">○ observed</a>',
    ])
      expect(html).toContain(part)
    expect(junitReport(records)).toContain('tests="1" failures="1"')
    expect(junitReport([alone(quiet)])).toContain('tests="1" failures="0"')
    const markdown = markdownReport(records)
    expect(markdown).toContain('| EXPECT-2 | failed (0) |')
    expect(markdown).toContain('- anomaly EXPECT-2: two <appends> succeeded')
    expect(parseRecord(JSON.stringify(records[0]))).toEqual(records[0])
  })
})

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
    expect(html).toContain('<a href="#failure-1-EXPECT-2">✗ failed</a>')
    expect(html).toContain('<a href="#run-0-ALL-6">? not proven</a>')
    expect(html).toContain('<td class="not-run"><a href="#rule-APPEND-1">· not run</a></td>')
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
