import type { Harness } from '@annals/conformance'
import { type FaultName, runSoak } from '@annals/conformance/history'
import { type StoreDriver, WrongExpectedVersionError } from '@annals/core'
import { afterAll, describe, expect, it } from 'vitest'
import { kurrentDbHarness, type Mutate } from './support/harness.js'
import { startStandIn } from './support/servers.js'

// What the checker finds in the log of what several processes did and saw, and in nothing else. The server makes the
// order and checks expectations and repeats itself; what is planted here is what an adapter can get wrong around it.

const server = await startStandIn()
afterAll(() => server.stop())

/** Histories of two seconds each, by workers of this process: until one shows something, or so many are checked. */
function observe(target: Harness, faults: readonly FaultName[], rounds: number) {
  return runSoak({
    target,
    seed: 5,
    faults,
    workerStore: false,
    keepHistories: false,
    minutes: (rounds * 2) / 60,
    roundSeconds: 2,
    settleMs: 300,
    plan: { streams: 4 },
    until: ({ anomalies }) => anomalies > 0,
  })
}

interface Planted {
  readonly defect: string
  readonly faults: readonly FaultName[]
  /** Of these rules one must be named. */
  readonly rules: readonly string[]
  readonly mutate: Mutate
}

const planted: readonly Planted[] = [
  {
    defect: 'that reports a repeat as a conflict',
    faults: ['cut-after-commit'],
    rules: ['IDEM-1', 'APPEND-3'],
    mutate: (inner) =>
      withAppend(inner, async (request, signal) => {
        const version = await inner.streamVersion(request.streamId, signal)
        if (typeof request.expected === 'number' && request.expected !== version)
          throw new WrongExpectedVersionError(request.streamId, request.expected, version)
        return inner.append(request, signal)
      }),
  },
  {
    defect: 'that repeats an append whose answer was lost under new ids',
    faults: ['cut-after-commit'],
    rules: ['APPEND-3', 'IDEM-1'],
    mutate: (inner) => {
      const tried = new WeakSet<object>()
      return withAppend(inner, (request, signal) => {
        const again = tried.has(request)
        tried.add(request)
        const events = request.events.map((e) => (again ? { ...e, id: crypto.randomUUID() } : e))
        return inner.append({ ...request, events }, signal)
      })
    },
  },
  {
    defect: 'that looks at the expectation itself and leaves the server without one',
    faults: ['cut-after-commit'],
    rules: ['EXPECT-1', 'EXPECT-2'],
    mutate: (inner) =>
      withAppend(inner, async (request, signal) => {
        const { streamId, expected } = request
        const version = await inner.streamVersion(streamId, signal)
        // A repeat, or a conflict: the server decides. Else nothing seems to speak against it.
        return inner.append(
          expected === version ? { ...request, expected: 'any' } : request,
          signal,
        )
      }),
  },
]

function withAppend(inner: StoreDriver, append: StoreDriver['append']): StoreDriver {
  return new Proxy(inner, {
    get(target, key) {
      if (key === 'append') return append
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

describe(`a history alone, on ${server.name}`, () => {
  it.each(planted)('shows a store $defect', async ({ mutate, faults, rules }) => {
    const { violationsByRule } = await observe(kurrentDbHarness(server, mutate), faults, 15)
    expect(rules.filter((rule) => Object.hasOwn(violationsByRule, rule))).not.toEqual([])
  })

  it('shows nothing in the store as it is, under the same faults', async () => {
    const faults = ['cut-after-commit'] as const
    const { violations, faultsInjected, faultsMissing } = await observe(
      kurrentDbHarness(server),
      faults,
      1,
    )
    expect(violations).toEqual([])
    expect(faultsMissing).toEqual([])
    for (const fault of faults) expect(faultsInjected[fault]).toBeGreaterThan(0)
  })
})

describe(`a soak of ${server.name}`, () => {
  it('works in processes of its own, kills and stops them, and finds no anomaly', async () => {
    const result = await runSoak({
      target: kurrentDbHarness(server),
      seed: 1,
      faults: ['kill-worker', 'stop-worker'],
      workers: 2,
      minutes: 1,
      settleMs: 300,
      until: ({ faultsInjected }) =>
        ['kill-worker', 'stop-worker'].every((fault) => Object.hasOwn(faultsInjected, fault)),
    })
    expect(result.violations).toEqual([])
    expect(result.faultsMissing).toEqual([])
    expect(Object.keys(result.faultsInjected).sort()).toEqual(['kill-worker', 'stop-worker'])
    expect(result.eventsChecked).toBeGreaterThan(0)
  })
})
