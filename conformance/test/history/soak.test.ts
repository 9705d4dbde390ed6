import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkHistory } from '../../src/history/check-history.js'
import { nemesis } from '../../src/history/nemesis.js'
import { recordHistory } from '../../src/history/record-history.js'
import { runSoak, type SoakProgress } from '../../src/history/soak.js'
import { memoryHarness } from '../../src/memory-harness.js'
import { type MemoryServer, openStore, serveMemory } from './remote-memory.js'

const module = fileURLToPath(new URL('./remote-memory.ts', import.meta.url))

describe('workers in processes of their own', () => {
  let server: MemoryServer
  let directory: string
  beforeAll(async () => {
    server = await serveMemory()
    directory = await mkdtemp(join(tmpdir(), 'annals-history-'))
  })
  afterAll(async () => {
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('are killed and stopped, and what they left without an answer is unknown', async () => {
    const stop = new AbortController()
    const store = openStore({ port: server.port }, {})
    let kills = 0
    const lines = await recordHistory({
      name: 'memory over a socket',
      store,
      seed: 7,
      count: 3,
      workers: { store: { module, args: { port: server.port } }, directory },
      stop: stop.signal,
      plan: { pauseMs: 1 },
      beside: (around) =>
        nemesis(around, {
          subject: {},
          faults: ['kill-worker', 'stop-worker'],
          pauseMs: [50, 300],
          onFault: (fault) => {
            if (fault === 'kill-worker' && ++kills === 3) stop.abort()
          },
        }),
    })
    await store.close()
    const verdict = await checkHistory(lines)
    expect(verdict.violations).toEqual([])
    expect(verdict.counts.processes).toBeGreaterThanOrEqual(5)
    expect(verdict.counts.unanswered).toBeGreaterThan(0)
    expect(verdict.counts.faults).toBeGreaterThanOrEqual(3)
  })
})

describe('a soak', () => {
  it('of the memory harness makes all its faults and finds no anomaly', async () => {
    const progress: SoakProgress[] = []
    const result = await runSoak({
      minutes: 4 / 60,
      roundSeconds: 2,
      seed: 3,
      target: memoryHarness({ playServer: true }),
      settleMs: 200,
      onProgress: (now) => progress.push(now),
    })
    expect(result.violations).toEqual([])
    expect(result.ok).toBe(true)
    expect(result.rounds).toBe(2)
    expect(result.faultsMissing).toEqual(['kill-worker', 'stop-worker'])
    expect(Object.keys(result.faultsInjected).length).toBeGreaterThan(0)
    expect(result.eventsChecked).toBeGreaterThan(100)
    expect(progress.at(-1)?.anomalies).toBe(0)
  })

  it('ends once its progress is enough, with what was done until then checked', async () => {
    const result = await runSoak({
      minutes: 60,
      roundSeconds: 1,
      seed: 3,
      target: memoryHarness(),
      until: ({ operationsChecked }) => operationsChecked > 0,
    })
    expect(result.ok).toBe(true)
    expect(result.rounds).toBeLessThanOrEqual(2)
    expect(result.operationsChecked).toBeGreaterThan(0)
  })
})
