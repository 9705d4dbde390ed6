import { type ChildProcess, fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { EventStore } from '@annals/core'
import type { HistoryLine } from './format.js'
import { Random } from './random.js'
import { memorySink, Recorder } from './recorder.js'
import type { FromWorker, ToWorker, WorkerTask } from './worker-process.js'
import type { WorkerStore } from './worker-store.js'
import { type Progress, runWorkload, type WorkloadPlan } from './workload.js'

/** A worker of a history, whichever way it runs. */
export interface RunningWorker {
  readonly name: string
  readonly progress: Progress
  /** Resolves when it has ended as it should; rejects where it could not do its work. */
  readonly ended: Promise<void>
  /** Asks it to end the load and to finish what is under way. */
  stop(): void
  /** Only of processes. */
  readonly process?: WorkerProcess
}

export interface WorkerProcess {
  readonly path: string
  /** kill -9. Resolves when it is gone. */
  kill(): Promise<void>
  /** Stands still (SIGSTOP), and goes on (SIGCONT). */
  pause(): void
  resume(): void
}

/** A worker in this process, for a store that lives in it. */
export function promiseWorker(options: {
  readonly name: string
  readonly open: (recorder: Recorder) => EventStore | Promise<EventStore>
  readonly plan: WorkloadPlan
  readonly seed: number
  readonly lines: HistoryLine[]
  readonly operations?: number
  readonly appendsOnly?: boolean
}): RunningWorker {
  const { plan, seed, lines, operations, appendsOnly } = options
  const recorder = new Recorder(options.name, memorySink(lines))
  const progress: Progress = { operations: 0, events: 0 }
  const stop = new AbortController()
  const work = async () => {
    const store = await options.open(recorder)
    await runWorkload({
      store,
      recorder,
      plan,
      random: new Random(seed),
      stop: stop.signal,
      progress,
      ...(operations === undefined ? {} : { operations }),
      ...(appendsOnly === undefined ? {} : { appendsOnly }),
    })
  }
  return {
    name: options.name,
    progress,
    ended: work(),
    stop: () => stop.abort(new Error('the load has ended')),
  }
}

/**
 * The entry of a worker, as it is built or as it is written, and the flags of Node that it needs: where it or the store's
 * module is TypeScript, a loader for that, and in this repository the sources of the packages.
 */
function entry(store: WorkerStore): { path: string; execArgv: string[] } {
  const own = fileURLToPath(import.meta.url)
  const path = own.replace(/workers\.(ts|js)$/, 'worker-process.$1')
  const module = 'module' in store ? store.module : undefined
  const typeScript = [path, module].find((file) => file && /\.[cm]?ts$/.test(file))
  if (typeScript === undefined) return { path, execArgv: [] }
  return {
    path,
    execArgv: ['--conditions=annals:source', '--import', loaderFor(typeScript, own)],
  }
}

/** As the module's author has installed it; else as it is installed for this package. */
function loaderFor(module: string, own: string): string {
  for (const from of [module, own]) {
    try {
      return pathToFileURL(createRequire(from).resolve('tsx')).href
    } catch {}
  }
  throw new TypeError(`A worker process needs tsx to load ${module}: install it, or build that.`)
}

/** A worker in a process of its own. Resolves when it has opened its store and works. */
export async function processWorker(options: {
  readonly name: string
  readonly store: WorkerStore
  readonly plan: WorkloadPlan
  readonly seed: number
  readonly path: string
  readonly execArgv?: readonly string[]
}): Promise<RunningWorker> {
  const { path, execArgv } = entry(options.store)
  const child: ChildProcess = fork(path, [], {
    execArgv: [...execArgv, ...(options.execArgv ?? [])],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'json',
  })
  const progress: Progress = { operations: 0, events: 0 }
  let killed = false
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000)
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let ready: () => void = () => {}
  const started = new Promise<void>((resolve) => {
    ready = resolve
  })
  const ended = new Promise<void>((resolve, reject) => {
    let done = false
    child.on('message', (message: FromWorker) => {
      if ('ready' in message) ready()
      else if ('progress' in message) Object.assign(progress, message.progress)
      else {
        done = true
        if (message.error === undefined) resolve()
        else reject(new Error(`Worker ${options.name} failed: ${message.error}`))
      }
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (done || killed) resolve()
      else reject(new Error(`Worker ${options.name} ended with ${signal ?? code}: ${errors}`))
    })
  })
  ended.catch(() => {})
  const send = (message: ToWorker) => {
    if (child.connected) child.send(message, () => {})
  }
  const task: WorkerTask = {
    name: options.name,
    store: options.store,
    plan: options.plan,
    seed: options.seed,
    path: options.path,
  }
  send({ task })
  await Promise.race([started, ended])
  return {
    name: options.name,
    progress,
    ended: ended.then(() => exited),
    stop: () => send({ stop: true }),
    process: {
      path: options.path,
      kill: async () => {
        killed = true
        child.kill('SIGKILL')
        await exited
      },
      pause: () => void child.kill('SIGSTOP'),
      resume: () => void child.kill('SIGCONT'),
    },
  }
}
