import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { check } from '../src/commands/check.js'
import { explain } from '../src/commands/explain.js'
import { init } from '../src/commands/init.js'
import { report } from '../src/commands/report.js'
import { run } from '../src/commands/run.js'
import { soak } from '../src/commands/soak.js'
import { allCases, mutants, rules } from '../src/index.js'
import type { RunRecord } from '../src/reports/index.js'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Runs node on the sources, as a user runs it on the build. */
function node(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const all = ['--conditions=annals:source', '--import', 'tsx', ...args]
  // A child of a vitest worker must not take itself for one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return new Promise((resolve) => {
    execFile(process.execPath, all, { env, maxBuffer: 1 << 26 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err })
    })
  })
}

const cli = (...args: string[]) => node(path('../src/cli.ts'), ...args)

describe('node:test', () => {
  it('runs a test a case and skips what is not proven', async () => {
    const { code, out } = await node(
      '--test',
      '--test-reporter=tap',
      path('./fixtures/under-node-test.ts'),
    )
    expect(code, out).toBe(0)
    for (const { id } of allCases.filter((c) => c.rule === 'EXPECT-2'))
      expect(out).toMatch(new RegExp(`ok \\d+ - ${id} `))
    expect(out).toMatch(/ALL-6\/foreign-transaction not proven: .*# SKIP/)
  })
})

describe('the command', () => {
  it('lists every rule, case and mutant', async () => {
    const { code, out } = await cli('--list')
    expect(code).toBe(0)
    for (const { id } of [...rules, ...allCases]) expect(out).toContain(id)
    for (const { name } of mutants) expect(out).toContain(`catches ${name}:`)
  })

  it('lists as JSON too', async () => {
    const { out } = await cli('--list', '--json')
    const listed = JSON.parse(out) as { id: string; cases: unknown[]; mutants: unknown[] }[]
    expect(listed.map((r) => r.id)).toEqual(rules.map((r) => r.id))
    for (const rule of listed) {
      expect(rule.cases.length, rule.id).toBeGreaterThan(0)
      expect(rule.mutants.length, rule.id).toBeGreaterThan(0)
    }
  })

  it('examines the memory store, prints the table and ends with 0', async () => {
    const { code, out } = await cli('--rule', 'EXPECT-2', '--rule', 'ALL-6')
    expect(out).toMatch(/EXPECT-2 +3 /)
    expect(out).toContain('not proven ALL-6/foreign-transaction: foreignTransaction: ')
    expect(code).toBe(0)
  })

  it('examines the store of a harness module and ends with 1 where a case fails', async () => {
    const { code, out } = await cli(
      ...['run', path('./fixtures/broken-harness.ts')],
      ...['--rule', 'APPEND-5', '--rule', 'APPEND-6', '--json'],
    )
    const [record] = JSON.parse(out) as [
      { store: string; ok: boolean; results: { rule: string; outcome: string }[] },
    ]
    expect(record.store).toBe('a broken store')
    expect(record.ok).toBe(false)
    for (const { rule, outcome } of record.results)
      expect(outcome).toBe(rule === 'APPEND-5' ? 'failed' : 'passed')
    expect(code).toBe(1)
  })

  it('explains a rule: what it promises, why, and what is known to break it', async () => {
    const { code, out } = await cli('explain', 'all-4')
    expect(code).toBe(0)
    for (const part of ['Nothing arrives late', 'Why it matters: ', 'ALL-4/follower: '])
      expect(out).toContain(part)
  })

  it('keeps a run, and sets it beside another', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-report-'))
    try {
      const kept = ['--report', 'json', '--report-dir', folder]
      expect((await cli('--rule', 'EXPECT-2', ...kept)).code).toBe(0)
      const file = join(folder, 'conformance.json')
      expect((await cli('report', file, file, '--report-dir', folder)).code).toBe(0)
      const html = await readFile(join(folder, 'conformance.html'), 'utf8')
      expect(html.match(/<th scope="col">memory<\/th>/g)).toHaveLength(2)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('soaks stores one after the other, fails for one, and joins a soak with the run of its store', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-soak-'))
    try {
      const runFile = join(folder, 'run')
      const soakFile = join(folder, 'soak')
      const broken = path('./fixtures/broken-harness.ts')
      const whole = path('./fixtures/whole-harness.ts')
      expect(
        (
          await cli(
            ...['run', whole, '--rule', 'EXPECT-2'],
            ...['--report', 'json', '--report-dir', runFile],
          )
        ).code,
      ).toBe(0)
      const soaked = await cli(
        ...['soak', whole, broken, '--minutes', '0.02', '--seed', '11', '--workers', '2'],
        ...['--report', 'html,json', '--report-dir', soakFile],
      )
      expect(soaked.code, soaked.err).toBe(1)
      expect(soaked.out).toMatch(/Soak of a whole store: 0\.02 minutes, \d+ rounds, seed 11\n/)
      expect(soaked.out).toMatch(/\nNo anomaly\.\n/)
      const rule = soaked.out.match(/\nANOMALIES: ([A-Z]+-\d) \d+/)?.[1]
      expect(rule, soaked.out).toBeDefined()
      expect(soaked.out).toContain('--seed 11 repeats the schedule')
      const history = soaked.out.match(/annals-conformance check (\S+)/)?.[1] ?? ''
      const checked = await cli('check', history)
      expect(checked.code).toBe(1)
      expect(checked.out).toContain(`${rule}  `)
      await rm(dirname(history), { recursive: true })

      const files = [join(runFile, 'conformance.json'), join(soakFile, 'conformance.json')]
      const joined = await cli('report', ...files, '--report', 'html,json', '--report-dir', folder)
      expect(joined.code, joined.err).toBe(0)
      const records = JSON.parse(
        await readFile(join(folder, 'conformance.json'), 'utf8'),
      ) as RunRecord[]
      expect(records.map(({ store, level, ok }) => [store, level, ok])).toEqual([
        ['a whole store', 'full + soak', true],
        ['a broken store', 'soak', false],
      ])
      expect(records[0]?.results.length).toBeGreaterThan(0)
      expect(records[0]?.soak?.eventsChecked).toBeGreaterThan(0)
      expect(records[0]?.soak?.seed).toBe(11)
      const html = await readFile(join(folder, 'conformance.html'), 'utf8')
      expect(html).toContain(`<a href="#failure-1-${rule}">✗ failed</a>`)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('runs the cases and then a soak at level soak, in one record', async () => {
    const { code, out, err } = await cli(
      ...['run', '--level', 'soak', '--minutes', '0.02', '--seed', '3', '--rule', 'EXPECT-2'],
      '--json',
    )
    expect(code, err).toBe(0)
    const [record] = JSON.parse(out) as [RunRecord]
    expect(record.level).toBe('full + soak')
    expect(record.results.length).toBeGreaterThan(0)
    expect(record.soak?.minutes).toBe(0.02)
    expect(record.soak?.seed).toBe(3)
    expect(record.capabilities?.persistence).toBe('process')
  })

  it('holds the run against a file of known failures: an entry that does not fail fails the run', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-known-'))
    try {
      const file = join(folder, 'known.json')
      const runWith = async (known: Record<string, string>) => {
        await writeFile(file, JSON.stringify(known))
        return cli(
          ...['run', path('./fixtures/broken-harness.ts'), '--rule', 'APPEND-5'],
          ...['--known-failures', file],
        )
      }
      const ids = allCases.filter((c) => c.rule === 'APPEND-5').map(({ id }) => id)
      const all = Object.fromEntries(ids.map((id) => [id, 'mended in 2.1']))
      const known = await runWith(all)
      expect(known.out).toContain('known failure APPEND-5/last-event: mended in 2.1')
      expect(known.code, known.out).toBe(0)

      const renamed = await runWith({ ...all, 'APPEND-5/renamed': 'long ago' })
      expect(renamed.out).toContain('problem: the known failure APPEND-5/renamed is not a case')
      expect(renamed.code).toBe(1)

      const stale = await cli(
        'run',
        '--rule',
        'EXPECT-2',
        '--known-failures',
        await keep({
          'EXPECT-2/one-of-twenty': 'mended already',
        }),
      )
      expect(stale.out).toContain('take it off the list')
      expect(stale.code).toBe(1)

      async function keep(list: unknown): Promise<string> {
        await writeFile(file, JSON.stringify(list))
        return file
      }
      for (const wrong of [['APPEND-5/last-event'], { 'APPEND-5/last-event': 1 }, null]) {
        const { code, err } = await cli('run', '--known-failures', await keep(wrong))
        expect(err).toContain('must be an object')
        expect(code).toBe(2)
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('stops at the first failure where it is told to', async () => {
    const { code, out } = await cli('run', path('./fixtures/broken-harness.ts'), '--bail', '--json')
    const [record] = JSON.parse(out) as [RunRecord]
    expect(record.results.filter(({ outcome }) => outcome === 'failed')).toHaveLength(1)
    expect(record.results.at(-1)?.outcome).toBe('failed')
    expect(record.results.length).toBeLessThan(allCases.length)
    expect(code).toBe(1)
  })

  it('holds a history against the contract', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-history-'))
    try {
      const file = join(folder, 'history.jsonl')
      await writeFile(file, '{"not":"a history"}\n')
      const { code, err } = await cli('check', file)
      expect(code).toBe(2)
      expect(err).toMatch(/history/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('ends with 2 and says why where the command is wrong', async () => {
    for (const [args, message] of [
      [['run', '--rool', 'ALL-4'], "Unknown option '--rool'"],
      [['--level', 'thorough'], 'there is no level thorough'],
      [['run', '/nowhere/harness.js'], 'there is no file /nowhere/harness.js'],
    ] as const) {
      const { code, err } = await cli(...args)
      expect(err).toContain(message)
      expect(code).toBe(2)
    }
  })

  it('refuses what it cannot mean, before it starts anything', async () => {
    for (const [command, args, message] of [
      [run, ['--rule', 'FOO-1'], 'there is no rule FOO-1'],
      [run, ['--repeat', 'often'], '--repeat takes a whole number'],
      [run, ['--report', 'pdf'], 'there is no report pdf'],
      [run, ['--minutes', '3'], '--minutes goes with --level soak'],
      [run, ['--level', 'soak', '--minutes', 'long'], '--minutes takes a number above 0, not long'],
      [run, ['--known-failures', '/nowhere/known.json'], 'no such file'],
      [soak, ['--minutes', '0'], '--minutes takes a number above 0, not 0'],
      [soak, ['--workers', '0'], '--workers takes at least 1'],
      [soak, ['/nowhere/harness.js'], 'there is no file /nowhere/harness.js'],
      [report, ['/nowhere/run.json'], 'no such file'],
      [report, [], 'report takes the JSON files of runs'],
      [explain, ['FOO-1'], 'there is no rule FOO-1'],
      [check, [], 'check takes the files of histories'],
      [init, ['one', 'two'], 'init takes one folder'],
    ] as const)
      await expect(command(args), message).rejects.toThrow(message)
  })
})
