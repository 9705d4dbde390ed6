import { describe, expect, it } from 'vitest'
import { memoryHarness, runConformance } from '../src/index.js'
import { Trace } from '../src/trace.js'
import { defects } from './mutants/index.js'

describe('a trace', () => {
  it('changes nothing: every case passes on a traced store', async () => {
    const harness = new Trace().harness(memoryHarness({ playServer: true }))
    const report = await runConformance(harness, { level: 'quick', model: { runs: 3, seed: 1 } })
    expect(report.results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect(report.problems).toEqual([])
  })

  it('tells of a failed case who did what, and what never answered', async () => {
    const report = await runConformance(
      memoryHarness({ ...defects['result-of-first-event'], playServer: true }),
      { cases: ['APPEND-5/last-event'], timelines: true },
    )
    const [result] = report.results
    const timeline = result && 'timeline' in result ? (result.timeline ?? []) : []
    const append = timeline.find(({ text }) => text.startsWith("append('Order-1', 3 events"))
    expect(append?.process).toBe('first')
    expect(append?.text).toMatch(/→ \{ version: 2, position: 'mem1-\d+' \}$/)
    expect(append?.end).toBeGreaterThanOrEqual(append?.start ?? Number.NaN)
    expect(timeline.at(-1)?.text).toMatch(
      /^readStream\('Order-1', .*limit: 1.*\) → 1 event \(Order-1@4\)$/,
    )
  })

  it('of a case that hangs shows what never answered, where the case was asked for', async () => {
    const harness = memoryHarness({
      playServer: true,
      driver: (inner) => ({ ...inner, loadCheckpoint: () => new Promise(() => {}) }),
    })
    const id = 'CHECK-1/save-and-load'
    const options = { watchdogMs: 500, timelines: true } as const
    const all = await runConformance(harness, { ...options, rules: ['CHECK-1'], bail: true })
    expect(all.results.at(-1)?.id).toBe(id)
    expect(all.results.at(-1)?.error?.message).toContain('did not finish')
    expect(all.results.at(-1)).not.toHaveProperty('timeline')
    const asked = await runConformance(harness, { ...options, cases: [id] })
    const [result] = asked.results
    const timeline = result && 'timeline' in result ? (result.timeline ?? []) : []
    expect(timeline.filter(({ end }) => end === null).map(({ text }) => text)).toEqual([
      expect.stringMatching(/^checkpoints\.load\(/),
    ])
  })

  it('names hooks, handles and errors, keeps what is open open, and the last operations only', async () => {
    const trace = new Trace()
    const subject = await trace.harness(memoryHarness()).open()
    const fragile = await subject.fragileHandle!()
    await fragile.outage()
    await fragile.recover()
    const other = await subject.openAnother()
    await other.append('Order-1', [{ type: 'Placed', data: 1 }], { expectedVersion: 0 })
    await other
      .append('Order-1', [{ type: 'Placed', data: 1 }], { expectedVersion: 9 })
      .catch(() => {})
    await other.checkpoints.load('mine')
    const held = await subject.heldWriter!()
    const hold = held.hold()
    const writing = held.store.append('Order-2', [{ type: 'Placed', data: 2 }])
    await hold.arrived
    const messages = subject.store.subscribeToStream('Order-1')[Symbol.asyncIterator]()
    await messages.next()
    const lines = trace
      .timeline()
      .map(({ process, end, text }) => `${process}: ${text}${end === null ? ' …' : ''}`)
    expect(lines).toEqual([
      'the case: fragileHandle()',
      'fragileHandle: outage()',
      'fragileHandle: recover()',
      'the case: openAnother()',
      expect.stringMatching(/^another: append\('Order-1', 1 event, .*\) → \{ version: 1, /),
      expect.stringMatching(/^another: append\('Order-1', .* → WRONG_EXPECTED_VERSION$/),
      "another: checkpoints.load('mine') → null",
      'the case: heldWriter()',
      'heldWriter: hold()',
      "heldWriter: append('Order-2', 1 event) …",
      "first: subscribeToStream('Order-1') → 1 event (Order-1@1) …",
    ])
    await hold.release()
    await writing
    await messages.return?.()
    for (let i = 0; i < 100; i++) await subject.store.streamVersion('Order-1')
    const long = trace.timeline()
    expect(long).toHaveLength(40)
    expect(long[0]?.text).toMatch(/^\(\d+ before\) streamVersion/)
    await subject.cleanup()
  })
})
