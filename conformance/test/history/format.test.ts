import { describe, expect, it } from 'vitest'
import { checkHistory } from '../../src/history/check-history.js'
import { formatVerdict } from '../../src/history/format-verdict.js'
import { HistoryFormatError } from '../../src/history/state.js'
import { strong } from './simulated-history.js'

const header = { annals: 'history', version: 1, store: 'by hand', capabilities: strong }
const call = { t: 'call', op: 'o1', process: 'p1', at: 10, do: 'headPosition' }

describe('what is not a history', () => {
  const malformed: [what: string, line: number, lines: unknown[]][] = [
    ['nothing', 1, []],
    ['no header', 1, [call]],
    ['another version', 1, [{ ...header, version: 2 }]],
    ['no capabilities', 1, [{ ...header, capabilities: undefined }]],
    ['time that goes back', 3, [header, call, { ...call, op: 'o2', at: 9 }]],
    ['an operation twice', 3, [header, call, call]],
    ['an answer to nothing', 2, [header, { t: 'return', op: 'o1', at: 10, outcome: 'ok' }]],
    ['a delivery of no subscription', 3, [header, call, { t: 'got', op: 'o1', at: 11 }]],
    ['a call of a dead process', 3, [header, { t: 'died', process: 'p1', at: 9 }, call]],
    ['an unknown operation', 2, [header, { ...call, do: 'truncate' }]],
    ['an unknown kind of line', 2, [header, { t: 'rumour', at: 1 }]],
    [
      'an append to a foreign stream',
      2,
      [
        { ...header, streamPrefix: 'H' },
        { ...call, do: 'append', stream: 'S-1', expected: 0, events: [['a', 'A', '#a']] },
      ],
    ],
  ]

  it.each(malformed)('%s is said to be so, with the line', async (_what, line, lines) => {
    const failure = await checkHistory(lines.map((each) => JSON.stringify(each))).catch((e) => e)
    expect(failure).toBeInstanceOf(HistoryFormatError)
    expect((failure as HistoryFormatError).line).toBe(line)
  })

  it('text that is not JSON', async () => {
    await expect(checkHistory([JSON.stringify(header), '{"t":'])).rejects.toThrow('not JSON')
  })
})

describe('a violation', () => {
  it('names the rule, the operations and their lines, and no more of them than it takes', async () => {
    const lines = [header] as unknown[]
    for (let i = 0; i < 50; i++) {
      lines.push({
        ...call,
        op: `a${i}`,
        at: 20 + i * 10,
        do: 'append',
        stream: `S-${i}`,
        expected: 0,
        events: [[`e${i}`, 'A', '#']],
      })
      lines.push({
        t: 'return',
        op: `a${i}`,
        at: 25 + i * 10,
        outcome: 'ok',
        results: [[1, `p${100 + i}`]],
      })
    }
    lines.push({
      ...call,
      op: 'r',
      at: 1000,
      do: 'readStream',
      stream: 'S-7',
      direction: 'forwards',
    })
    lines.push({ t: 'return', op: 'r', at: 1001, outcome: 'ok', events: [], end: 'itself' })
    const verdict = await checkHistory([lines.map((line) => JSON.stringify(line)).join('\n')])
    expect(verdict.violations).toHaveLength(1)
    expect(verdict.violations[0]).toMatchObject({ rule: 'READ-2', lines: [16, 17, 102, 103] })
    expect(verdict.violations[0]?.operations[0]).toContain('a7 by p1')
    expect(verdict.counts).toMatchObject({ operations: 51, appends: 50, reads: 1, ok: 51 })
    expect(verdict.checks['READ-2']).toBe(1)
    expect(formatVerdict(verdict)).toContain('READ-2  A reader saw "S-7" end at version 0')
  })
})
