import type { EventStore, StoreOptions } from '@annals/core'
import type {
  FragileHandle,
  HeldWriter,
  HookName,
  SlowHandle,
  Subject,
  ThrottledHandle,
} from '../harness.js'
import type { Random } from './random.js'
import type { Around } from './record-history.js'
import type { Recorder } from './recorder.js'
import { recordingStore } from './recording-store.js'
import type { RunningWorker } from './workers.js'
import { expectedFailure } from './workload.js'

export const faultNames = [
  'kill-worker',
  'stop-worker',
  'restart-server',
  'cut-before-request',
  'cut-after-commit',
  'outage',
  'stall-before-request',
  'stall-after-commit',
  'forget-connection',
  'delay',
  'throttle',
  'hold-writer',
  'kill-held-writer',
  'foreign-transaction',
] as const

export type FaultName = (typeof faultNames)[number]

const needs: Partial<Record<FaultName, HookName>> = {
  'restart-server': 'restartServer',
  'cut-before-request': 'fragileHandle',
  'cut-after-commit': 'fragileHandle',
  outage: 'fragileHandle',
  'stall-before-request': 'slowHandle',
  'stall-after-commit': 'slowHandle',
  'forget-connection': 'slowHandle',
  delay: 'slowHandle',
  throttle: 'throttledHandle',
  'hold-writer': 'heldWriter',
  'kill-held-writer': 'heldWriter',
  'foreign-transaction': 'foreignTransaction',
}

/** The faults that a subject, and the way its workers run, allow. */
export function possibleFaults(subject: Partial<Subject>, processes: boolean): FaultName[] {
  return faultNames.filter((fault) => {
    const hook = needs[fault]
    return hook === undefined ? processes : subject[hook] !== undefined
  })
}

export interface NemesisOptions {
  readonly subject: Partial<Subject>
  readonly faults: readonly FaultName[]
  /** Told of each fault that was made. */
  readonly onFault: (fault: FaultName) => void
  /** The pauses between faults, in milliseconds. Default: 200 to 1,500. */
  readonly pauseMs?: readonly [least: number, most: number]
}

/**
 * Makes faults one after the other, and at times several at once, until the load ends; then it makes sure that
 * everything works again. What it does, to whom and for how long, comes from the random numbers alone.
 */
export async function nemesis(around: Around, options: NemesisOptions): Promise<void> {
  const { stop } = around
  const faults = new Faults(around, options)
  const [least, most] = options.pauseMs ?? [200, 1500]
  const under: Promise<void>[] = []
  try {
    await faults.prepare()
    while (!stop.aborted && options.faults.length > 0) {
      // All choices are made here and in one order, so that the seed repeats them however long each fault takes.
      const fault = around.random.pick(options.faults)
      const random = around.random.fork()
      const pause = around.random.between(least, most)
      const together = around.random.chance(0.3)
      const made = faults.make(fault, random)
      under.push(made)
      // Waited for below; until then its failure is not unhandled.
      made.catch(() => {})
      if (!together) await made
      await sleep(pause, stop)
    }
  } finally {
    await Promise.allSettled(under)
    await faults.end()
  }
  await Promise.all(under)
}

class Faults {
  readonly #around: Around
  readonly #options: NemesisOptions
  #fragile: FragileHandle | undefined
  #slow: SlowHandle | undefined
  #throttled: ThrottledHandle | undefined
  /** Those that work through the handles above. */
  readonly #own: RunningWorker[] = []
  #outage = false
  #stalled = false
  #restarting = false
  #held = 0
  #writers = 0

  constructor(around: Around, options: NemesisOptions) {
    this.#around = around
    this.#options = options
  }

  /** The handles that faults strike are written through all the time, so that each fault always strikes something. */
  async prepare(): Promise<void> {
    const { subject } = this.#options
    const { fragileHandle, slowHandle, throttledHandle } = subject
    if (fragileHandle && this.#uses('fragileHandle')) {
      await this.#work('fragile', async (recorder) => {
        const handle = await fragileHandle.call(subject, recording(recorder, {}))
        this.#fragile = handle
        return handle.store
      })
    }
    if (slowHandle && this.#uses('slowHandle')) {
      await this.#work('slow', async (recorder) => {
        // What gets no answer is given up while it stands still, and tried again.
        const handle = await slowHandle.call(
          subject,
          recording(recorder, { attemptTimeoutMs: 700 }),
        )
        this.#slow = handle
        return handle.store
      })
    }
    if (throttledHandle && this.#uses('throttledHandle')) {
      await this.#work('throttled', async (recorder) => {
        const handle = await throttledHandle.call(subject, recording(recorder, {}))
        this.#throttled = handle
        return handle.store
      })
    }
  }

  #uses(hook: HookName): boolean {
    return this.#options.faults.some((fault) => needs[fault] === hook)
  }

  /** Resolves when its handle is there; a handle that cannot be had fails its worker, and so the history. */
  async #work(name: string, open: (recorder: Recorder) => Promise<EventStore>): Promise<void> {
    await new Promise<void>((resolve) => {
      const opened = (recorder: Recorder) => open(recorder).finally(resolve)
      this.#own.push(this.#around.act(name, opened))
    })
  }

  async end(): Promise<void> {
    if (this.#outage) await this.#fragile?.recover()
    this.#slow?.delay(0)
    await this.#slow?.resume()
    this.#throttled?.relent()
    for (const worker of this.#own) worker.stop()
  }

  async make(fault: FaultName, random: Random): Promise<void> {
    const { stop } = this.#around
    switch (fault) {
      case 'kill-worker': {
        const worker = this.#processes(random)
        if (!worker?.process) return
        const { workers, recorder } = this.#around
        workers.splice(workers.indexOf(worker), 1)
        this.#made(fault, worker.name)
        await worker.process.kill()
        recorder.died(worker.name)
        if (!stop.aborted) await this.#around.start()
        return
      }
      case 'stop-worker': {
        const worker = this.#processes(random)
        if (!worker?.process) return
        this.#made(fault, worker.name)
        worker.process.pause()
        await sleep(random.between(100, 3000), stop)
        worker.process.resume()
        return
      }
      case 'restart-server': {
        const { subject } = this.#options
        // One at a time, not so often that nothing else gets done, and not under a held writer: what holds it, on the
        // harness's side, would die with the server.
        if (this.#restarting || this.#held > 0 || !random.chance(0.3)) return
        this.#restarting = true
        this.#made(fault)
        try {
          await subject.restartServer?.()
        } finally {
          this.#restarting = false
        }
        return
      }
      case 'cut-before-request':
        if (this.#outage || !this.#fragile) return
        this.#made(fault)
        this.#fragile.cutBeforeRequest()
        return
      case 'cut-after-commit':
        if (this.#outage || !this.#fragile) return
        this.#made(fault)
        this.#fragile.cutAfterCommit()
        return
      case 'outage':
        if (this.#outage || !this.#fragile) return
        this.#outage = true
        this.#made(fault)
        await this.#fragile.outage()
        // At times longer than the store retries, at times not.
        await sleep(random.between(100, 4000), stop)
        await this.#fragile.recover()
        this.#outage = false
        return
      case 'stall-before-request':
      case 'stall-after-commit':
        if (this.#stalled || !this.#slow) return
        this.#stalled = true
        this.#made(fault)
        if (fault === 'stall-before-request') this.#slow.stallBeforeRequest()
        else this.#slow.stallAfterCommit()
        // At times so short that the first attempt is still waited for, at times longer than the store retries.
        await sleep(random.between(100, 4000), stop)
        await this.#slow.resume()
        this.#stalled = false
        return
      case 'forget-connection':
        if (!this.#slow) return
        this.#made(fault)
        await this.#slow.forget()
        return
      case 'delay':
        if (!this.#slow) return
        this.#made(fault)
        this.#slow.delay(random.between(5, 400))
        await sleep(random.between(200, 2000), stop)
        this.#slow.delay(0)
        return
      case 'throttle':
        if (!this.#throttled) return
        this.#made(fault)
        this.#throttled.throttle(random.between(1, 4))
        await sleep(random.between(100, 4000), stop)
        this.#throttled.relent()
        return
      case 'hold-writer':
      case 'kill-held-writer':
        return this.#hold(fault, random)
      case 'foreign-transaction': {
        const open = await this.#options.subject.foreignTransaction?.()
        if (!open) return
        this.#made(fault)
        await sleep(random.between(200, 4000), stop)
        await open.end()
        return
      }
    }
  }

  /** An append stands just before its commit for a while, and then commits or dies. */
  async #hold(fault: 'hold-writer' | 'kill-held-writer', random: Random): Promise<void> {
    const { stop, plan } = this.#around
    const { subject } = this.#options
    // A server that is started again drops what was held, and a second one would wait for the first.
    if (this.#restarting || this.#held > 0 || !subject.heldWriter) return
    this.#held++
    try {
      const writer: HeldWriter = await subject.heldWriter()
      const recorder = this.#around.actor(`held-${++this.#writers}`, true)
      const store = recordingStore(writer.store, recorder)
      const { arrived, release } = writer.hold()
      const streamId = `${plan.prefix}Held-${random.below(3)}`
      this.#made(fault, streamId)
      const appended = store
        .append(
          streamId,
          [
            { type: 'Placed', data: { held: true }, id: random.uuid() },
            { type: 'Changed', data: { held: true }, id: random.uuid() },
          ],
          { expectedVersion: 'any' },
        )
        .catch(expectedFailure)
      await Promise.race([arrived, appended])
      await sleep(random.between(50, 2000), stop)
      if (fault === 'hold-writer') release()
      else await writer.kill()
      await appended
    } finally {
      this.#held--
    }
  }

  #processes(random: Random): RunningWorker | undefined {
    const all = this.#around.workers.filter((worker) => worker.process !== undefined)
    return all.length === 0 ? undefined : random.pick(all)
  }

  #made(fault: FaultName, text?: string): void {
    this.#around.recorder.fault(fault, text)
    this.#options.onFault(fault)
  }
}

/** What handles that faults strike are opened with: a budget that some faults outlast. */
function recording({ onRetry }: Recorder, more: StoreOptions): StoreOptions {
  return { onRetry, retryBudgetMs: 2000, ...more }
}

export function sleep(milliseconds: number, stop?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop?.aborted) {
      resolve()
      return
    }
    const timer = setTimeout(done, milliseconds)
    stop?.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      stop?.removeEventListener('abort', done)
      resolve()
    }
  })
}
