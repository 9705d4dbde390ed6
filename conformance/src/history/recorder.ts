import { closeSync, openSync, writeSync } from 'node:fs'
import type { ErrorCode, RetryNotice } from '@annals/core'
import { isEventStoreError } from '@annals/core'
import { after, before } from './clock.js'
import type { GotLine, HistoryLine, Request, ReturnLine } from './format.js'

/** Where lines go. */
export interface HistorySink {
  write(line: HistoryLine): void
  close(): void
}

/** Lines in a file. Each is with the operating system before the call that it announces is made: kill -9 loses none. */
export function fileSink(path: string): HistorySink {
  const file = openSync(path, 'a')
  return {
    write: (line) => void writeSync(file, `${JSON.stringify(line)}\n`),
    close: () => closeSync(file),
  }
}

/** Lines in memory, for workers that are promises of one process. */
export function memorySink(
  lines: HistoryLine[] = [],
): HistorySink & { readonly lines: HistoryLine[] } {
  return { lines, write: (line) => void lines.push(line), close: () => {} }
}

/** What an operation came to, for the log. */
export type Outcome = Omit<ReturnLine, 't' | 'op' | 'at'>

/** Writes what one process does. */
export class Recorder {
  readonly process: string
  readonly #sink: HistorySink
  #operations = 0
  #retries = 0

  /**
   * @param blind The store can't tell of its retries here: then every operation may have been tried more than once.
   */
  constructor(
    process: string,
    sink: HistorySink,
    readonly blind = false,
  ) {
    this.process = process
    this.#sink = sink
  }

  /**
   * Hand it to the store as its option `onRetry`: an append that was tried more than once may have left an attempt that
   * is still under way, and the log has to say so.
   */
  readonly onRetry = (_notice: RetryNotice): void => {
    this.#retries++
  }

  /** How many retries there were so far. */
  get retries(): number {
    if (this.blind) this.#retries++
    return this.#retries
  }

  get operations(): number {
    return this.#operations
  }

  call(request: Request): string {
    const op = `${this.process}:${++this.#operations}`
    this.#sink.write({ t: 'call', op, process: this.process, at: before(), ...request })
    return op
  }

  got(op: string, what: Omit<GotLine, 't' | 'op' | 'at'>): void {
    this.#sink.write({ t: 'got', op, at: after(), ...what })
  }

  returned(op: string, outcome: Outcome): void {
    this.#sink.write({ t: 'return', op, at: after(), ...outcome })
  }

  fault(fault: string, text?: string): void {
    this.#sink.write({ t: 'note', at: after(), fault, ...(text === undefined ? {} : { text }) })
  }

  died(process: string): void {
    this.#sink.write({ t: 'died', process, at: after() })
  }

  quiet(): void {
    this.#sink.write({ t: 'quiet', at: after() })
  }
}

/** Failures after which nothing was written, nor will be. */
const certain: ReadonlySet<ErrorCode> = new Set([
  'WRONG_EXPECTED_VERSION',
  'DUPLICATE_EVENT_ID',
  'INVALID_ARGUMENT',
  'TOO_LARGE',
  'UNSUPPORTED',
  'UNAVAILABLE',
  'ACCESS_DENIED',
  'SCHEMA_MISSING',
  'STREAM_DELETED',
  'CLOSED',
])

/** What a failed append came to. */
export function failedAppend(error: unknown): Outcome {
  if (isEventStoreError(error, 'WRONG_EXPECTED_VERSION')) {
    const { code, streamId: stream, actual } = error
    return { outcome: 'fail', code, stream, actual }
  }
  const failure = failed(error)
  return { ...failure, outcome: certain.has(failure.code as ErrorCode) ? 'fail' : 'unknown' }
}

/** What a failed save of a checkpoint or a snapshot came to. UNAVAILABLE promises nothing here. */
export function failedSave(error: unknown, retried: boolean): Outcome {
  const failure = failed(error)
  if (isEventStoreError(error, 'CHECKPOINT_CONFLICT')) {
    // A lost first attempt may have saved before another owner moved it on.
    return { ...failure, outcome: retried ? 'unknown' : 'fail', actual: error.actual }
  }
  const sure = failure.code !== 'UNAVAILABLE' && certain.has(failure.code as ErrorCode)
  return { ...failure, outcome: sure ? 'fail' : 'unknown' }
}

export function failed(error: unknown): Outcome & { code: ErrorCode | 'OTHER' } {
  const code = isEventStoreError(error) ? error.code : 'OTHER'
  const message = error instanceof Error ? error.message : String(error)
  return { outcome: 'fail', code, message: message.slice(0, 300) }
}
