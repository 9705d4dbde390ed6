import { describe, expect, it } from 'vitest'
import {
  allCases,
  type ConformanceCase,
  formatReport,
  type Harness,
  type hookNames,
  memoryHarness,
  type Runner,
  registerWith,
  runCase,
  runConformance,
} from '../src/index.js'
import { defects } from './mutants/index.js'

const one = (id: string): ConformanceCase => {
  const found = allCases.find((c) => c.id === id)
  if (!found) throw new Error(`there is no case ${id}`)
  return found
}

/** The memory harness without a hook. */
function without(hook: (typeof hookNames)[number], reason?: string): Harness {
  const whole = memoryHarness({ playServer: true })
  return {
    ...whole,
    ...(reason === undefined ? {} : { missing: { ...whole.missing, [hook]: reason } }),
    async open(options) {
      return Object.assign(await whole.open(options), { [hook]: undefined })
    },
  }
}

/** A runner that only notes what is registered. */
function noted() {
  const tests: { name: string; skipped: boolean }[] = []
  const runner: Runner = {
    describe: (_, body) => body(),
    it: (name) => tests.push({ name, skipped: false }),
    skip: (name) => tests.push({ name, skipped: true }),
    afterAll: () => {},
  }
  return { tests, runner }
}

describe('what is not proven', () => {
  it('is reported with the harness’s own words, and is not passed', async () => {
    const reason = 'there is no proxy in front of this server yet'
    const report = await runConformance(without('heldWriter', reason), {
      rules: ['ALL-4', 'ALL-5'],
    })
    const held = report.results.filter(
      (r) => r.id !== 'ALL-4/follower' && r.id !== 'ALL-5/all-there',
    )
    expect(held.map((r) => r.outcome)).toEqual(['notProven', 'notProven', 'notProven'])
    expect(report.ok).toBe(true)
    expect(formatReport(report)).toContain(`not proven ALL-4/held-writer: heldWriter: ${reason}`)
  })

  it('is a skipped test whose name says why', () => {
    const { tests, runner } = noted()
    registerWith(runner, without('heldWriter', 'no proxy'))
    expect(tests.filter((t) => t.skipped).map((t) => t.name)).toContain(
      'ALL-4/held-writer not proven: heldWriter: no proxy',
    )
  })

  it('fails the run where the harness gives no reason', async () => {
    const report = await runConformance(without('heldWriter'), { cases: ['ALL-4/held-writer'] })
    expect(report.ok).toBe(false)
    expect(report.results[0]?.outcome).toBe('failed')
    expect(report.problems).toEqual(['heldWriter is missing, and harness.missing does not say why'])
  })

  it('fails the run where a hook is excused that is there', async () => {
    const whole = memoryHarness({ playServer: true })
    const report = await runConformance(
      { ...whole, missing: { heldWriter: 'no' } },
      { cases: ['ALL-4/follower'] },
    )
    expect(report.ok).toBe(false)
    expect(report.problems[0]).toContain('heldWriter is there')
  })
})

describe('a capability that is off', () => {
  const harness = memoryHarness({
    playServer: true,
    driver: ({ appendMany: _, ...inner }) => ({
      ...inner,
      capabilities: { ...inner.capabilities, multiStreamAppend: false },
    }),
  })

  it('runs the opposite case, and says so', async () => {
    const result = await runCase(harness, one('MULTI-1/all-written'))
    expect(result.outcome).toBe('notOffered')
    expect(result.reason).toBe(
      'multiStreamAppend is false; instead: appendToStreams is refused with UNSUPPORTED and names an alternative',
    )
  })

  it('fails where the opposite case fails', async () => {
    const lying = memoryHarness({ ...defects['off-is-a-plain-error'], playServer: true })
    const result = await runCase(lying, one('MULTI-1/all-written'))
    expect(result.outcome).toBe('failed')
  })
})

describe('a failed case', () => {
  it('names the rule, what it says, the case, what was expected and what came', async () => {
    const harness = memoryHarness({ ...defects['result-of-first-event'], playServer: true })
    const result = await runCase(harness, one('APPEND-5/last-event'))
    expect(result.error?.message).toMatch(/^APPEND-5\/last-event on memory, playing a server: /)
    expect(result.error?.message).toContain('the result of an append of 3')
    expect(result.error?.message).toMatch(/expected: .*version: 4/)
    expect(result.error?.message).toMatch(/came: .*version: 2/)
    expect(result.error?.message).toContain('`{ version, position }` are those')
  })

  it('that never ends is told what it was waiting for, and its subject is cleaned up', async () => {
    let cleaned = 0
    const whole = memoryHarness({ playServer: true })
    const harness: Harness = {
      ...whole,
      async open(options) {
        const subject = await whole.open(options)
        return {
          ...subject,
          async cleanup() {
            cleaned++
            await subject.cleanup()
          },
        }
      },
    }
    const hanging: ConformanceCase = {
      id: 'SUB-6/never',
      rule: 'SUB-6',
      title: 'a case that never ends',
      run: (t) => t.waitFor('the gate of doom', t.gate('the gate of doom').opened),
    }
    const result = await runCase(harness, hanging, { watchdogMs: 50 })
    expect(result.outcome).toBe('failed')
    expect(result.error?.message).toContain('it was waiting for the gate of doom')
    expect(cleaned).toBe(1)
  })

  it('whose clean-up fails is failed too', async () => {
    const whole = memoryHarness({ playServer: true })
    const harness: Harness = {
      ...whole,
      async open(options) {
        const subject = await whole.open(options)
        return {
          ...subject,
          async cleanup() {
            await subject.cleanup()
            throw new Error('the data could not be removed')
          },
        }
      },
    }
    const result = await runCase(harness, one('APPEND-5/last-event'))
    expect(result.outcome).toBe('failed')
    expect(result.error?.message).toContain('the data could not be removed')
  })
})

describe('known failures', () => {
  const broken = memoryHarness({ ...defects['result-of-first-event'], playServer: true })
  const why = 'the driver returns the first event; mended in the next release'

  it('do not fail the run, and stand in the report', async () => {
    const report = await runConformance(broken, {
      cases: ['APPEND-5/last-event'],
      knownFailures: { 'APPEND-5/last-event': why },
    })
    expect(report.ok).toBe(true)
    expect(formatReport(report)).toContain(`known failure APPEND-5/last-event: ${why}`)
  })

  it('that pass fail the run as stale', async () => {
    const report = await runConformance(memoryHarness({ playServer: true }), {
      cases: ['APPEND-5/last-event'],
      knownFailures: { 'APPEND-5/last-event': why },
    })
    expect(report.ok).toBe(false)
    expect(report.results[0]?.error?.message).toContain('take it off the list')
  })

  it('that are refused as not offered do not fail any more', async () => {
    const harness = memoryHarness({
      playServer: true,
      driver: ({ appendMany: _, ...inner }) => ({
        ...inner,
        capabilities: { ...inner.capabilities, multiStreamAppend: false },
      }),
    })
    const report = await runConformance(harness, {
      cases: ['MULTI-1/all-written'],
      knownFailures: { 'MULTI-1/all-written': why },
    })
    expect(report.ok).toBe(false)
    expect(report.results[0]?.error?.message).toContain('take it off the list')
  })

  it('that are no cases fail the run', async () => {
    const report = await runConformance(memoryHarness({ playServer: true }), {
      cases: ['APPEND-5/last-event'],
      knownFailures: { 'APPEND-5/renamed': why },
    })
    expect(report.ok).toBe(false)
    expect(report.problems).toEqual(['the known failure APPEND-5/renamed is not a case'])
  })
})

describe('the run', () => {
  it('of a harness that cannot open a store fails with one problem, and no case', async () => {
    const report = await runConformance({
      ...memoryHarness(),
      open: () => Promise.reject(new Error('the server is not there')),
    })
    expect(report.ok).toBe(false)
    expect(report.results).toEqual([])
    expect(report.problems).toHaveLength(1)
    expect(report.problems[0]).toContain('the server is not there')
  })

  it('tells the capabilities of the store', async () => {
    const report = await runConformance(memoryHarness(), { cases: ['APPEND-5/last-event'] })
    expect(report.capabilities?.persistence).toBe('process')
  })

  it('fails where nothing was selected', async () => {
    const report = await runConformance(memoryHarness(), { cases: [] })
    expect(report.ok).toBe(false)
    expect(report.problems).toEqual(['no case was selected'])
  })

  it('repeats the cases whose result may depend on timing', async () => {
    let opened = 0
    const whole = memoryHarness({ playServer: true })
    const harness: Harness = {
      ...whole,
      open(options) {
        opened++
        return whole.open(options)
      },
    }
    await runConformance(harness, {
      cases: ['EXPECT-2/one-of-twenty', 'EXPECT-1/never-written'],
      repeat: 7,
    })
    // One to look at the hooks, seven and one for the cases.
    expect(opened).toBe(9)
  })

  it('registers every case once, under its id', () => {
    const { tests, runner } = noted()
    registerWith(runner, memoryHarness({ playServer: true }))
    for (const { id } of allCases)
      expect(tests.filter((t) => t.name.split(' ')[0] === id).length, id).toBe(1)
    expect(tests.filter((t) => t.skipped)).toEqual([])
  })
})
