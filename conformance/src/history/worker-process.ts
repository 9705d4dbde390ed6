import { Random } from './random.js'
import { fileSink, Recorder } from './recorder.js'
import { openWorkerStore, type WorkerStore } from './worker-store.js'
import { type Progress, runWorkload, type WorkloadPlan } from './workload.js'

/** What a worker process is told when it starts. */
export interface WorkerTask {
  readonly name: string
  readonly store: WorkerStore
  readonly plan: WorkloadPlan
  readonly seed: number
  /** Its own log. */
  readonly path: string
}

export type ToWorker = { readonly task: WorkerTask } | { readonly stop: true }

export type FromWorker =
  | { readonly ready: true }
  | { readonly progress: Progress }
  | { readonly done: true; readonly error?: string }

/** The entry of a worker process: works until it is told to stop, or killed. */
async function main(task: WorkerTask, stop: AbortSignal): Promise<void> {
  const sink = fileSink(task.path)
  const recorder = new Recorder(task.name, sink)
  const progress: Progress = { operations: 0, events: 0 }
  const store = await openWorkerStore(task.store, { onRetry: recorder.onRetry })
  const timer = setInterval(() => tell({ progress }), 500)
  tell({ ready: true })
  try {
    await runWorkload({
      store,
      recorder,
      plan: task.plan,
      random: new Random(task.seed),
      stop,
      progress,
    })
  } finally {
    clearInterval(timer)
    tell({ progress })
    await store.close()
    sink.close()
  }
}

function tell(message: FromWorker): void {
  if (process.connected) process.send?.(message)
}

const stop = new AbortController()
process.on('message', (message: ToWorker) => {
  if ('stop' in message) {
    stop.abort(new Error('the load has ended'))
    return
  }
  main(message.task, stop.signal).then(
    () => end(),
    (error: unknown) =>
      end(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  )
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit(1))

function end(error?: string): void {
  const message: FromWorker = { done: true, ...(error === undefined ? {} : { error }) }
  if (process.send) process.send(message, () => process.exit(error === undefined ? 0 : 1))
  else process.exit(1)
}
