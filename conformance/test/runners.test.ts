import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { allCases, mutants, rules } from '../src/index.js'

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
    const [report] = JSON.parse(out) as [
      { store: string; ok: boolean; results: { rule: string; outcome: string }[] },
    ]
    expect(report.store).toBe('a broken store')
    expect(report.ok).toBe(false)
    for (const { rule, outcome } of report.results)
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
      [['--rule', 'FOO-1'], 'there is no rule FOO-1'],
      [['run', '/nowhere/harness.js'], 'there is no file /nowhere/harness.js'],
      [['--repeat', 'often'], '--repeat takes a whole number'],
      [['--level', 'thorough'], 'there is no level thorough'],
      [['explain', 'FOO-1'], 'there is no rule FOO-1'],
      [['--report', 'pdf'], 'there is no report pdf'],
      [['--rool', 'ALL-4'], "Unknown option '--rool'"],
    ] as const) {
      const { code, err } = await cli(...args)
      expect(err).toContain(message)
      expect(code).toBe(2)
    }
  })
})
