import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type EventStore, isEventStoreError, type Position } from '@annals/core'
import type { HistoryHeader, HistoryLine } from './format.js'
import { mergeHistory, readLog } from './merge.js'
import { Random } from './random.js'
import { memorySink, Recorder } from './recorder.js'
import { recordingStore } from './recording-store.js'
import type { WorkerStore } from './worker-store.js'
import { processWorker, promiseWorker, type RunningWorker } from './workers.js'
import { streamNames, type WorkloadPlan } from './workload.js'

export interface RecordOptions {
  /** The store and its server, for people. */
  readonly name: string
  /** A handle of its own for what is done before and after the load. Stays open. */
  readonly store: EventStore
  readonly seed: number
  /**
   * How workers get their handle: in processes of their own, or, for a store that lives in this process, as promises.
   */
  readonly workers:
    | {
        readonly store: WorkerStore
        readonly directory: string
        readonly execArgv?: readonly string[]
      }
    | { readonly open: (recorder: Recorder) => EventStore | Promise<EventStore> }
  /** Default: 4. */
  readonly count?: number
  /** Ends the load. */
  readonly stop: AbortSignal
  /** Ends the load of each worker after so many operations; only of promises. */
  readonly operations?: number
  /** Begins each stream's id, so that histories can follow each other on one store. Default: made from the seed. */
  readonly prefix?: string
  readonly plan?: Partial<WorkloadPlan>
  /** What goes on beside the workers: faults. Must end when the load does. */
  readonly beside?: (around: Around) => Promise<void>
  /** How long nothing of an unanswered append can still be under way, in milliseconds. Default: 0. */
  readonly settleMs?: number
}

/** What a nemesis gets. */
export interface Around {
  /** Notes faults, and deaths. */
  readonly recorder: Recorder
  readonly workers: RunningWorker[]
  readonly plan: WorkloadPlan
  readonly random: Random
  readonly stop: AbortSignal
  /** Starts another worker, e.g. in the place of one that was killed. */
  start(): Promise<RunningWorker>
  /** A recorder for another process of the history: one that the nemesis plays itself. */
  actor(name: string, blind?: boolean): Recorder
  /** Starts a worker of the nemesis's own, on a handle of its own. */
  act(name: string, store: (recorder: Recorder) => EventStore | Promise<EventStore>): RunningWorker
}

const defaults = {
  streams: 7,
  pauseMs: 3,
  subscriptions: 3,
  stallMs: 30_000,
  checkpoints: 4,
} as const

/**
 * Runs a random load by several workers on a store, and returns its history, ready for the checker.
 * @throws RecordingError where a worker, or the reading at the end, fails; it holds the history until then.
 */
export async function recordHistory(options: RecordOptions): Promise<string[]> {
  const { seed, store, stop } = options
  const random = new Random(seed)
  const prefix = options.prefix ?? `H${seed.toString(36)}x`
  const base: Position | null = await store.headPosition()
  const plan: WorkloadPlan = { ...defaults, ...options.plan, prefix, base }
  const header: HistoryHeader = {
    annals: 'history',
    version: 1,
    store: options.name,
    capabilities: store.capabilities,
    streamPrefix: prefix,
    seed,
    recordedAt: new Date().toISOString(),
  }
  const logs: HistoryLine[][] = []
  const paths: string[] = []
  const workers: RunningWorker[] = []
  const started: RunningWorker[] = []
  let names = 0
  const actor = (name: string, blind = false) => {
    const lines: HistoryLine[] = []
    logs.push(lines)
    return new Recorder(name, memorySink(lines), blind)
  }
  const start = async () => {
    const name = `w${++names}`
    const workerSeed = random.below(2 ** 31)
    let worker: RunningWorker
    if ('store' in options.workers) {
      const { directory, execArgv } = options.workers
      await mkdir(directory, { recursive: true })
      const path = join(directory, `${prefix}${name}.jsonl`)
      paths.push(path)
      worker = await processWorker({
        name,
        store: options.workers.store,
        plan,
        seed: workerSeed,
        path,
        ...(execArgv ? { execArgv } : {}),
      })
    } else {
      const lines: HistoryLine[] = []
      logs.push(lines)
      const { operations } = options
      worker = promiseWorker({
        name,
        open: options.workers.open,
        plan,
        seed: workerSeed,
        lines,
        ...(operations === undefined ? {} : { operations }),
      })
    }
    started.push(worker)
    workers.push(worker)
    return worker
  }
  const act: Around['act'] = (name, open) => {
    const lines: HistoryLine[] = []
    logs.push(lines)
    const worker = promiseWorker({
      name,
      open,
      plan: { ...plan, pauseMs: Math.max(plan.pauseMs, 5) },
      seed: random.below(2 ** 31),
      lines,
      appendsOnly: true,
    })
    worker.ended.catch(() => {})
    started.push(worker)
    return worker
  }

  await Promise.all(Array.from({ length: options.count ?? 4 }, start))
  const observer = actor('observer')
  const around: Around = {
    recorder: observer,
    workers,
    plan,
    random: random.fork(),
    stop,
    start,
    actor,
    act,
  }
  const beside = options.beside?.(around) ?? Promise.resolve()
  const failure = new Promise<never>((_, reject) => beside.catch(reject))
  failure.catch(() => {})
  try {
    if (options.operations === undefined) await Promise.race([untilAborted(stop, started), failure])
    await beside
  } finally {
    for (const worker of started) if (options.operations === undefined) worker.stop()
    await Promise.allSettled(started.map((worker) => worker.ended))
  }
  let failed: { readonly error: unknown } | undefined
  try {
    await Promise.all(started.map((worker) => worker.ended))
    const settleMs = options.settleMs ?? 0
    if (settleMs > 0) await new Promise((resolve) => setTimeout(resolve, settleMs))
    observer.quiet()
    await readEverything(recordingStore(store, observer), plan)
  } catch (error) {
    failed = { error }
  }
  logs.push(...(await Promise.all(paths.map(readLog))))
  const lines = mergeHistory(header, logs)
  if (failed) throw new RecordingError(lines, failed.error)
  return lines
}

/** A history that did not come to its end: something failed that is no answer of a healthy store. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError'
  constructor(
    /** The history until then, ready for the checker. */
    readonly lines: readonly string[],
    cause: unknown,
  ) {
    super(
      `The history did not come to its end: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    )
  }
}

/** Until the load is to end, or a worker has ended before its time. */
async function untilAborted(stop: AbortSignal, workers: readonly RunningWorker[]): Promise<void> {
  if (stop.aborted) return
  let onStop = () => {}
  const stopped = new Promise<void>((resolve) => {
    onStop = resolve
    stop.addEventListener('abort', onStop, { once: true })
  })
  const failed = Promise.all(workers.map((worker) => worker.ended)).then(() => stopped)
  try {
    await Promise.race([stopped, failed])
  } finally {
    stop.removeEventListener('abort', onStop)
  }
}

/** What is there in the end, in a time without any write: the checker holds everything before against it. */
async function readEverything(store: EventStore, plan: WorkloadPlan): Promise<void> {
  const after = plan.base === null ? {} : { after: plan.base }
  await noted(store.readAll(after).toArray())
  await noted(store.headPosition())
  for (const stream of streamNames(plan)) {
    await noted(store.readStream(stream).toArray())
    await noted(store.readStream(stream, { direction: 'backwards' }).toArray())
    await noted(store.streamVersion(stream))
    await noted(store.snapshots.load(stream))
  }
  for (let i = 0; i < plan.checkpoints; i++) {
    await noted(store.checkpoints.load(`${plan.prefix}sub-${i}`))
  }
  await noted(store.readAll({ ...after, filter: { streamPrefixes: [plan.prefix] } }).toArray())
}

/** That something cannot be read is a finding, and stands in the log; whatever else fails here fails the recording. */
async function noted(call: Promise<unknown>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!isEventStoreError(error, 'CORRUPT')) throw error
  })
}
