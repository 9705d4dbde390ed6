import { memoryHarness, runConformance } from '../../src/index.js'
import { type RunRecord, recordOf, type SoakRecord, withSoak } from '../../src/reports/index.js'
import { defects } from '../mutants/index.js'

/**
 * Runs of every kind side by side: a real one, one with real failures, one with a soak that found an anomaly, one whose
 * harness is wrong, and one of few rules with a known failure.
 */
export async function sampleRuns(): Promise<RunRecord[]> {
  const about = { startedAt: '2026-01-02T03:04:05.000Z', milliseconds: 2345, repeat: 1 }
  const options = { level: 'quick', model: { runs: 3, seed: 1 } } as const
  const whole = memoryHarness({ playServer: true, name: 'a whole store on a server' })
  const good = recordOf(await runConformance(memoryHarness(), options), about)
  const broken = recordOf(
    await runConformance(
      memoryHarness({
        ...defects['result-of-first-event'],
        name: 'SketchDB 12.4 (docker compose), with a long name',
        playServer: true,
      }),
      { ...options, rules: ['APPEND-5', 'EXPECT-2', 'ALL-6'], timelines: true },
    ),
    { ...about, repeat: 50, seed: 7 },
  )
  const proven = recordOf(
    await runConformance(whole, { ...options, rules: ['EXPECT-2', 'ALL-4', 'SNAP-1'] }),
    about,
  )
  const known = recordOf(
    await runConformance(
      memoryHarness({ ...defects['result-of-first-event'], playServer: true, name: 'known' }),
      {
        ...options,
        model: false,
        cases: ['APPEND-5/last-event', 'EXPECT-2/one-of-twenty'],
        knownFailures: { 'APPEND-5/last-event': 'mended in the next release' },
      },
    ),
    about,
  )
  return [
    withSoak(good, { soak: quietSoak, problems: [] }),
    broken,
    withSoak({ ...proven, store: 'a store that is wrong only under faults' }, soakWithAnomaly),
    {
      ...known,
      ok: false,
      problems: ['heldWriter is missing, and harness.missing does not say why'],
    },
  ]
}

const quietSoak: SoakRecord = {
  seed: 1730485,
  minutes: 10,
  rounds: 30,
  operations: 812_345,
  eventsChecked: 31_234_567,
  unknownOutcomes: 214,
  faults: { outage: 31, 'cut-after-commit': 77, 'hold-writer': 52, 'kill-held-writer': 49 },
  faultsMissing: ['kill-worker', 'stop-worker', 'restart-server'],
  checks: { 'ALL-4': 25_473_200, 'APPEND-1': 538_500, 'ALL-6': 3 },
  anomaliesByRule: {},
  anomalies: [],
  histories: [],
}

const soakWithAnomaly = {
  problems: [],
  soak: {
    ...quietSoak,
    seed: 99,
    anomaliesByRule: { 'ALL-4': 3, 'EXPECT-2': 1 },
    anomalies: [
      {
        rule: 'ALL-4',
        message:
          'the event 6d0c at pg1-0000000000000007 appeared behind a reader that had been given pg1-0000000000000008',
        timeline: [
          {
            process: 'held-writer-3',
            start: 100,
            end: 9_000,
            text: 'append to S1Order-3, expected 0: 6d0c → version 1, position pg1-0000000000000007',
          },
          {
            process: 'w2',
            start: 1_200,
            end: 2_500,
            text: 'append to S1Order-4, expected "any": 91aa → version 4, position pg1-0000000000000008',
          },
          {
            process: 'w1',
            start: 3_000,
            end: 3_900,
            text: 'readAll after pg1-0000000000000006: gave 91aa at pg1-0000000000000008, and not 6d0c',
          },
          { process: 'reader', start: 9_500, end: null, text: 'readAll: gave 6d0c' },
        ],
      },
      {
        rule: 'EXPECT-2',
        message: 'two appends with expected version 4 to S1Order-9 succeeded',
        timeline: [
          { process: 'w1', start: 5, end: 9, text: 'append to S1Order-9, expected 4 → version 5' },
          { process: 'w2', start: 6, end: 11, text: 'append to S1Order-9, expected 4 → version 5' },
        ],
      },
    ],
    histories: ['/tmp/annals-soak-1/history-99-4.jsonl'],
  },
} satisfies { problems: string[]; soak: SoakRecord }
