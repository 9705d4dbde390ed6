import { memoryStore, UnavailableError, UnknownOutcomeError } from '@annals/core'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/history/digest.js'
import type { HistoryLine } from '../../src/history/format.js'
import { Random } from '../../src/history/random.js'
import { failedAppend, failedSave, memorySink, Recorder } from '../../src/history/recorder.js'
import { recordingStore } from '../../src/history/recording-store.js'
import { runWorkload } from '../../src/history/workload.js'

function setUp() {
  const sink = memorySink()
  const store = recordingStore(memoryStore(), new Recorder('p1', sink))
  return { store, lines: sink.lines }
}

/** The streams and versions of the events of a line. */
const seenIn = (line: HistoryLine | undefined) =>
  line && 'events' in line && line.t !== 'call'
    ? line.events?.map(([stream, version]) => `${stream}@${version}`)
    : []

const kinds = (lines: readonly HistoryLine[]) =>
  lines.map((line) => (line.t === 'call' ? line.do : line.t === 'return' ? line.outcome : line.t))

describe('a recording store', () => {
  it('writes a call before and a return after, with what was asked and answered', async () => {
    const { store, lines } = setUp()
    const { position } = await store.append(
      'S-1',
      [
        { type: 'A', data: 1 },
        { type: 'B', data: 2 },
      ],
      { expectedVersion: 0 },
    )
    await store.append('S-1', [{ type: 'A', data: 1 }], { expectedVersion: 0 }).catch(() => {})
    expect(kinds(lines)).toEqual(['append', 'ok', 'append', 'fail'])
    expect(lines[0]).toMatchObject({
      process: 'p1',
      stream: 'S-1',
      expected: 0,
      events: [
        [expect.any(String), 'A', digestOf('A', 1, {})],
        [expect.any(String), 'B', expect.any(String)],
      ],
    })
    expect(lines[1]).toMatchObject({ results: [[2, position]] })
    expect(lines[3]).toMatchObject({ code: 'WRONG_EXPECTED_VERSION', stream: 'S-1', actual: 2 })
    const times = lines.map(({ at }) => at)
    expect(times[0]).toBeLessThan(times[1]!)
  })

  it('tells a read that reached the end from one that was stopped', async () => {
    const { store, lines } = setUp()
    await store.append('S-1', [
      { type: 'A', data: 1 },
      { type: 'B', data: 2 },
    ])
    lines.length = 0
    await store.readAll().toArray()
    for await (const _event of store.readStream('S-1', { fromVersion: 1 })) break
    for await (const batch of store.readStream('S-1').batches()) expect(batch).toHaveLength(2)
    const returns = lines.filter((line) => line.t === 'return')
    expect(returns.map((line) => [line.end, seenIn(line)])).toEqual([
      ['itself', ['S-1@1', 'S-1@2']],
      ['stopped', ['S-1@1']],
      ['itself', ['S-1@1', 'S-1@2']],
    ])
  })

  it('writes what a subscription gave, and that its reader stopped it', async () => {
    const { store, lines } = setUp()
    await store.append('S-1', [{ type: 'A', data: 1 }])
    lines.length = 0
    for await (const message of store.subscribeToAll()) if (message.kind === 'caughtUp') break
    expect(kinds(lines)).toEqual(['subscribeToAll', 'got', 'got', 'ok'])
    expect(seenIn(lines[1])).toEqual(['S-1@1'])
    expect(lines[2]).toHaveProperty('caughtUp')
    expect(lines[3]).toMatchObject({ end: 'stopped' })
  })

  it('calls certain only what is', () => {
    expect(failedAppend(new UnavailableError('down'))).toMatchObject({ outcome: 'fail' })
    expect(failedAppend(new UnknownOutcomeError('S-1', []))).toMatchObject({ outcome: 'unknown' })
    expect(failedAppend(new Error('?'))).toMatchObject({ outcome: 'unknown', code: 'OTHER' })
    expect(failedSave(new UnavailableError('down'), false)).toMatchObject({ outcome: 'unknown' })
  })
})

describe('a workload', () => {
  it('does the same again with the same seed', async () => {
    const run = async () => {
      const sink = memorySink()
      await runWorkload({
        store: memoryStore(),
        recorder: new Recorder('p1', sink),
        plan: {
          prefix: 'H',
          base: null,
          streams: 3,
          pauseMs: 0,
          subscriptions: 0,
          stallMs: 1000,
          checkpoints: 1,
        },
        random: new Random(11),
        stop: new AbortController().signal,
        operations: 200,
      })
      return sink.lines.map((line) => ({ ...line, at: 0 }))
    }
    const first = await run()
    expect(first.length).toBeGreaterThan(300)
    expect(await run()).toEqual(first)
  })
})
