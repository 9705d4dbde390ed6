import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  fitted,
  isLive,
  ProgressLines,
  runProgress,
  soakProgress,
} from '../src/commands/progress.js'
import type { SoakProgress } from '../src/history/index.js'
import { allCases, memoryHarness, runConformance } from '../src/index.js'

const esc = '\u001b'

/** A stream that keeps what is written. */
function kept(columns = 60) {
  const written: string[] = []
  return { columns, written, write: (text: string) => written.push(text) }
}

/** What a terminal shows after all that was written: lines that stay, and the one under the cursor. */
function screen(written: readonly string[]): string[] {
  return written
    .join('')
    .split('\n')
    .map((line) => line.split(`\r${esc}[2K`).at(-1) ?? '')
}

function passed(id: string) {
  return { id, rule: 'READ-1', title: id, outcome: 'passed', milliseconds: 1 } as const
}

function failed(id: string) {
  const error = new Error(`${id} on a store: the title\n  expected 1\n  came 2`)
  return { ...passed(id), outcome: 'failed', error } as const
}

describe('a line that is written over', () => {
  it('is for terminals that can, and not where CI keeps what is printed', () => {
    const tty = { isTTY: true, write: () => {} }
    expect(isLive(tty, { TERM: 'xterm' })).toBe(true)
    expect(isLive(tty, { CI: 'false' })).toBe(true)
    expect(isLive(tty, { CI: 'true' })).toBe(false)
    expect(isLive(tty, { TERM: 'dumb' })).toBe(false)
    expect(isLive({ write: () => {} }, {})).toBe(false)
  })

  it('never wraps', () => {
    expect(fitted('abcdef', 80)).toBe('abcdef')
    expect(fitted('abcdef', 7)).toBe('abcdef')
    expect(fitted('abcdef', 6)).toBe('abcd…')
    expect(fitted('a\nb\tc', 80)).toBe('a b c')
    expect(fitted('🙂🙂🙂🙂', 4)).toBe('🙂🙂…')
  })

  it('makes room for lines that stay, and goes away at the end', () => {
    const stream = kept()
    const lines = new ProgressLines(stream, true)
    lines.show('one')
    lines.print('stays')
    expect(screen(stream.written)).toEqual(['stays', 'one'])
    lines.show('two')
    expect(screen(stream.written)).toEqual(['stays', 'two'])
    lines.end()
    expect(screen(stream.written)).toEqual(['stays', ''])
  })
})

describe('the progress of a run', () => {
  it('is the case under way, how many are done and how many failed', () => {
    const stream = kept()
    const progress = runProgress(new ProgressLines(stream, true), 'a store')
    progress.onStart('READ-1/one', 0, 3)
    expect(screen(stream.written)).toEqual(['a store: 0 of 3 cases, 0 failed; READ-1/one'])
    progress.onResult(failed('READ-1/one'))
    progress.onStart('READ-1/two', 1, 3)
    expect(screen(stream.written)).toEqual([
      'a store: FAILED READ-1/one: expected 1',
      'a store: 1 of 3 cases, 1 failed; READ-1/two',
    ])
  })

  it('is a line every 25 cases where lines stay, and a failure at once', () => {
    const stream = kept()
    const progress = runProgress(new ProgressLines(stream, false), 'a store')
    for (let i = 0; i < 60; i++) {
      progress.onStart(`READ-1/${i}`, i, 60)
      progress.onResult(i === 30 ? failed(`READ-1/${i}`) : passed(`READ-1/${i}`))
    }
    expect(stream.written).toEqual([
      'a store: 60 cases\n',
      'a store: 25 of 60 cases, 0 failed\n',
      'a store: FAILED READ-1/30: expected 1\n',
      'a store: 50 of 60 cases, 1 failed\n',
      'a store: 60 of 60 cases, 1 failed\n',
    ])
    expect(stream.written.join('')).not.toContain(esc)
  })

  it('tells of every case of a real run', async () => {
    const started: string[] = []
    const report = await runConformance(memoryHarness(), {
      rules: ['EXPECT-2'],
      onStart: (id, done, all) => started.push(`${done}/${all} ${id}`),
    })
    const all = report.results.length
    expect(started).toEqual(report.results.map(({ id }, i) => `${i}/${all} ${id}`))
  })
})

describe('the progress of a soak', () => {
  const at = (seconds: number, anomalies = 0): SoakProgress => ({
    seed: 7,
    seconds,
    rounds: 1,
    operationsChecked: 0,
    eventsChecked: 12,
    operationsUnderWay: 0,
    faultsInjected: { outage: 3 },
    anomalies,
  })

  it('is written over each second on a terminal', () => {
    const stream = kept(200)
    const tell = soakProgress(new ProgressLines(stream, true), 'a store')
    for (let second = 0; second < 100; second++) tell(at(second))
    expect(screen(stream.written)).toEqual([
      expect.stringMatching(/^a store: 99 s.*12 events.*3 faults.*0 anomalies.*seed 7/),
    ])
  })

  it('is a line each minute where lines stay, and an anomaly at once', () => {
    const stream = kept()
    const tell = soakProgress(new ProgressLines(stream, false), 'a store')
    for (let second = 0; second <= 125; second++) tell(at(second, second >= 70 ? 2 : 0))
    expect(stream.written.map((line) => line.match(/\d+ s/)?.[0])).toEqual(['0 s', '60 s', '70 s'])
    expect(stream.written[2]).toMatch(/2 anomalies.* ANOMALY\n$/)
  })
})

describe('the command', () => {
  const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
  const args = ['--conditions=annals:source', '--import', 'tsx', cli]
  const only = ['run', '--rule', 'EXPECT-2']
  const cases = allCases.filter(({ rule }) => rule === 'EXPECT-2').length

  it('writes over one line in a terminal', async () => {
    const script = '/usr/bin/script'
    // Where there is no pseudo-terminal to be had, that much is left to the tests above.
    const out = existsSync(script)
      ? await output(
          script,
          [
            '-qec',
            [process.execPath, ...args, ...only].map((arg) => `'${arg}'`).join(' '),
            '/dev/null',
          ],
          { CI: undefined, TERM: 'xterm' },
        )
      : `\r${esc}[2Kmemory: 0 of ${cases} cases, 0 failed; EXPECT-2/\nConformance of memory`
    expect(out).toContain(`\r${esc}[2Kmemory: 0 of ${cases} cases, 0 failed; EXPECT-2/`)
    expect(out).toContain('Conformance of memory')
  })

  it('writes plain lines elsewhere', async () => {
    const out = await output(process.execPath, [...args, ...only], {})
    expect(out).toContain(`memory: ${cases} cases\nmemory: ${cases} of ${cases} cases, 0 failed\n`)
    expect(out).not.toContain(esc)
  })
})

/** What a program writes, to both streams. */
function output(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env: { ...process.env, ...env } }, (error, out, err) => {
      if (error) reject(new Error(`${error.message}\n${out}\n${err}`))
      else resolve(`${err}${out}`)
    })
  })
}
