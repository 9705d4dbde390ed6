import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventStore, StoreOptions } from '@annals/core'
import type { Harness, Subject } from '../harness.js'
import type { RuleId } from '../rules.js'
import { checkHistory } from './check-history.js'
import { type FaultName, nemesis, possibleFaults, sleep } from './nemesis.js'
import { Random } from './random.js'
import { RecordingError, recordHistory } from './record-history.js'
import type { Violation } from './violations.js'
import { openWorkerStore, type WorkerStore } from './worker-store.js'
import type { WorkloadPlan } from './workload.js'

export interface SoakOptions {
  /** How long to load the store, checks and pauses left out. */
  readonly minutes: number
  /** Repeats the schedule: what each worker and the nemesis choose, in which order. Default: at random. */
  readonly seed?: number
  /**
   * What is loaded: a harness, whose hooks are then the faults, or a store that is there already. The store is used by
   * streams of its own and need not be empty; other writers do not disturb the result.
   */
  readonly target: Harness | WorkerStore
  /**
   * With a harness: how processes of their own open the subject's data. Default: as the subject's hook `workerStore`
   * says. False, or where neither is there: the workers are promises of this process, and none can be killed or stopped.
   */
  readonly workerStore?: false | ((subject: Subject) => WorkerStore | Promise<WorkerStore>)
  /** What the report calls a target that is no harness. Default: the scheme of its URL, or its module. */
  readonly name?: string
  /** Default: 4. */
  readonly workers?: number
  /** How long a history is before it is checked, in seconds. Default: 20. */
  readonly roundSeconds?: number
  /** Only these faults. Default: all that are possible. */
  readonly faults?: readonly FaultName[]
  /**
   * How long after the load an append of a dead writer can still hide others' events or take effect, in milliseconds: the
   * store's stated bound. Default: 3,000.
   */
  readonly settleMs?: number
  readonly plan?: Partial<WorkloadPlan>
  /** Histories with violations are kept here. Default: in the directory for temporary files. */
  readonly directory?: string
  /** False: no history is kept that is not asked for by `directory`. Default: true. */
  readonly keepHistories?: boolean
  /** Further flags of Node for worker processes. What a store in TypeScript needs is added without them. */
  readonly execArgv?: readonly string[]
  readonly onProgress?: (progress: SoakProgress) => void
  /** Ends the soak early, after a check of what was done until then. */
  readonly signal?: AbortSignal
  /** The same, as soon as this is true of the progress. */
  readonly until?: (progress: SoakProgress) => boolean
}

export interface SoakProgress {
  readonly seed: number
  /** Seconds since the start. */
  readonly seconds: number
  readonly rounds: number
  /** Operations and events (acknowledged, read and delivered) of the histories that were checked. */
  readonly operationsChecked: number
  readonly eventsChecked: number
  /** Operations of the round under way. */
  readonly operationsUnderWay: number
  readonly faultsInjected: Readonly<Partial<Record<FaultName, number>>>
  readonly anomalies: number
}

export interface SoakResult extends SoakProgress {
  readonly store: string
  /** No anomaly. */
  readonly ok: boolean
  /** The first ones. */
  readonly violations: readonly Violation[]
  readonly violationsByRule: Readonly<Partial<Record<RuleId, number>>>
  readonly checks: Readonly<Partial<Record<RuleId, number>>>
  /** Appends without an answer, or with UNKNOWN_OUTCOME. */
  readonly unknownOutcomes: number
  /** Faults that could not be made here, because the harness or the way of working lacks what they need. */
  readonly faultsMissing: readonly FaultName[]
  /** Files of the histories with violations. */
  readonly histories: readonly string[]
}

/**
 * Loads a store for minutes with several workers and a nemesis that combines faults, and checks every history: round by
 * round, so that memory stays bounded and an anomaly is told soon.
 */
export async function runSoak(given: SoakOptions): Promise<SoakResult> {
  const options = endingWhen(given)
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31)
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'annals-soak-')))
  await mkdir(directory, { recursive: true })
  const target = await openTarget(options)
  const soak = new Soak(options, seed, directory, target)
  try {
    return await soak.run()
  } finally {
    await target.close()
    const unwanted = soak.histories.length === 0 || options.keepHistories === false
    if (unwanted && options.directory === undefined) {
      await rm(directory, { recursive: true, force: true })
    }
  }
}

/** `until` as a signal. */
function endingWhen(options: SoakOptions): SoakOptions {
  const { until, signal, onProgress } = options
  if (!until) return options
  const enough = new AbortController()
  return {
    ...options,
    signal: signal ? AbortSignal.any([signal, enough.signal]) : enough.signal,
    onProgress: (progress) => {
      onProgress?.(progress)
      if (until(progress)) enough.abort(new Error('the soak has come to its end'))
    },
  }
}

interface Target {
  readonly name: string
  readonly store: EventStore
  /** Empty where there is only a store. */
  readonly subject: Partial<Subject>
  readonly workerStore: WorkerStore | undefined
  open(options: StoreOptions): Promise<EventStore>
  close(): Promise<void>
}

async function openTarget(options: SoakOptions): Promise<Target> {
  const { target } = options
  if ('open' in target) {
    const subject = await target.open()
    return {
      name: target.name,
      store: subject.store,
      subject,
      workerStore: await workerStoreOf(options.workerStore, subject),
      open: (storeOptions) => subject.openAnother(storeOptions),
      close: () => subject.cleanup(),
    }
  }
  const store = await openWorkerStore(target, {})
  await store.migrate()
  return {
    name: options.name ?? ('url' in target ? new URL(target.url).protocol : target.module),
    store,
    subject: {},
    workerStore: target,
    open: (storeOptions) => openWorkerStore(target, storeOptions),
    close: () => store.close(),
  }
}

function workerStoreOf(
  wanted: SoakOptions['workerStore'],
  subject: Subject,
): WorkerStore | Promise<WorkerStore> | undefined {
  if (wanted === false) return undefined
  return wanted ? wanted(subject) : subject.workerStore?.()
}

class Soak {
  readonly histories: string[] = []
  readonly #options: SoakOptions
  readonly #seed: number
  readonly #directory: string
  readonly #target: Target
  readonly #random: Random
  readonly #faults: FaultName[]
  readonly #missing: FaultName[]
  readonly #made: Partial<Record<FaultName, number>> = {}
  readonly #violations: Violation[] = []
  readonly #byRule: Partial<Record<RuleId, number>> = {}
  readonly #checks: Partial<Record<RuleId, number>> = {}
  readonly #started = performance.now()
  #rounds = 0
  #operations = 0
  #events = 0
  #anomalies = 0
  #unknown = 0
  #underWay: () => number = () => 0

  constructor(options: SoakOptions, seed: number, directory: string, target: Target) {
    this.#options = options
    this.#seed = seed
    this.#directory = directory
    this.#target = target
    this.#random = new Random(seed)
    const possible = possibleFaults(target.subject, target.workerStore !== undefined)
    const wanted = options.faults ?? possibleFaults(allHooks, true)
    this.#faults = possible.filter((fault) => wanted.includes(fault))
    this.#missing = wanted.filter((fault) => !possible.includes(fault))
  }

  async run(): Promise<SoakResult> {
    const { minutes, roundSeconds = 20, signal } = this.#options
    let left = minutes * 60_000
    const timer = setInterval(() => this.#options.onProgress?.(this.#progress()), 1000)
    try {
      while (left > 0 && !signal?.aborted) {
        const length = Math.min(left, roundSeconds * 1000)
        left -= length
        await this.#round(length)
        this.#options.onProgress?.(this.#progress())
      }
    } finally {
      clearInterval(timer)
    }
    return {
      ...this.#progress(),
      store: this.#target.name,
      ok: this.#anomalies === 0,
      violations: this.#violations,
      violationsByRule: this.#byRule,
      checks: this.#checks,
      unknownOutcomes: this.#unknown,
      faultsMissing: this.#missing,
      histories: this.histories,
    }
  }

  async #round(length: number): Promise<void> {
    const { signal, settleMs = 3000, execArgv } = this.#options
    const target = this.#target
    const round = ++this.#rounds
    const stop = new AbortController()
    const roundSeed = Math.floor(this.#random.next() * 2 ** 31)
    const logs = join(this.#directory, `round-${round}`)
    const opened: EventStore[] = []
    let failure: RecordingError | undefined
    const lines = await recordHistory({
      name: target.name,
      store: target.store,
      seed: roundSeed,
      // The rounds follow each other on one store, also of several soaks.
      prefix: `S${Date.now().toString(36)}r${round}x`,
      count: this.#options.workers ?? 4,
      stop: stop.signal,
      workers: target.workerStore
        ? { store: target.workerStore, directory: logs, ...(execArgv ? { execArgv } : {}) }
        : {
            open: async (recorder) => {
              const store = await target.open({ onRetry: recorder.onRetry })
              opened.push(store)
              return store
            },
          },
      settleMs: this.#faults.length > 0 ? settleMs : 0,
      ...(this.#options.plan ? { plan: this.#options.plan } : {}),
      beside: (around) => {
        // From here on, when every worker is at work: to start processes takes its time too.
        void sleep(length, signal).then(() => stop.abort(new Error('the round is over')))
        this.#underWay = () =>
          around.workers.reduce((sum, { progress }) => sum + progress.operations, 0)
        return nemesis(around, {
          subject: target.subject,
          faults: this.#faults,
          onFault: (fault) => {
            this.#made[fault] = (this.#made[fault] ?? 0) + 1
          },
        })
      },
    })
      .catch((error: unknown) => {
        if (!(error instanceof RecordingError)) throw error
        failure = error
        return error.lines
      })
      .finally(() => stop.abort())
    await Promise.all(opened.map((store) => store.close()))
    this.#underWay = () => 0
    const ok = await this.#check(round, lines)
    // What it contradicts says more than that a store in such a state failed at last.
    if (failure && ok) throw failure
    await rm(logs, { recursive: true, force: true })
  }

  async #check(round: number, lines: readonly string[]): Promise<boolean> {
    const verdict = await checkHistory(lines)
    const { counts } = verdict
    this.#operations += counts.operations
    this.#events += counts.events + counts.read + counts.delivered
    this.#anomalies += verdict.violationCount
    this.#unknown += counts.unknown + counts.unanswered
    for (const [rule, times] of Object.entries(verdict.violationsByRule) as [RuleId, number][]) {
      this.#byRule[rule] = (this.#byRule[rule] ?? 0) + times
    }
    for (const [rule, times] of Object.entries(verdict.checks) as [RuleId, number][]) {
      this.#checks[rule] = (this.#checks[rule] ?? 0) + times
    }
    if (verdict.ok) return true
    const path = join(this.#directory, `history-${this.#seed}-${round}.jsonl`)
    await writeFile(path, `${lines.join('\n')}\n`)
    this.histories.push(path)
    this.#violations.push(...verdict.violations.slice(0, Math.max(0, 20 - this.#violations.length)))
    return false
  }

  #progress(): SoakProgress {
    return {
      seed: this.#seed,
      seconds: (performance.now() - this.#started) / 1000,
      rounds: this.#rounds,
      operationsChecked: this.#operations,
      eventsChecked: this.#events,
      operationsUnderWay: this.#underWay(),
      faultsInjected: { ...this.#made },
      anomalies: this.#anomalies,
    }
  }
}

/** A subject with every hook, to name all faults. */
const allHooks: Partial<Subject> = {
  restartServer: async () => {},
  slowHandle: () => Promise.reject(new TypeError('never called')),
  throttledHandle: () => Promise.reject(new TypeError('never called')),
  fragileHandle: () => Promise.reject(new TypeError('never called')),
  heldWriter: () => Promise.reject(new TypeError('never called')),
  foreignTransaction: () => Promise.reject(new TypeError('never called')),
}
