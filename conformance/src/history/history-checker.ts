import type { CallLine, GotLine, HistoryHeader, HistoryLine, Micros, ReturnLine } from './format.js'
import { judgeAppends } from './judge-appends.js'
import { judgeCheckpoints } from './judge-checkpoints.js'
import { judgeOrder } from './judge-order.js'
import { Operation } from './operation.js'
import { CheckState, HistoryFormatError, type Required } from './state.js'
import {
  AllReads,
  allGot,
  allSubscribed,
  headReturned,
  readAllCalled,
  readAllReturned,
} from './take-all-reads.js'
import { appendCalled, appendReturned, type PendingAppend } from './take-appends.js'
import { Registers, snapshotKept, snapshotLoaded, snapshotSaveCalled } from './take-registers.js'
import {
  streamGot,
  streamReadCalled,
  streamReadReturned,
  streamSubscribed,
  versionReturned,
} from './take-stream-reads.js'
import { emptyCounts, type HistoryCounts, type HistoryVerdict } from './verdict.js'
import { Findings, type Violation } from './violations.js'

interface Pending {
  readonly operation: Operation
  /** Takes what a subscription gave. */
  readonly got?: (line: GotLine) => void
  readonly returned: (line: ReturnLine) => void
}

/**
 * Checks a history, line by line; `verdict()` then judges what only the whole shows. What a line alone contradicts is
 * told to `onViolation` at once.
 */
export class HistoryChecker {
  readonly #findings: Findings
  readonly #pending = new Map<string, Pending>()
  readonly #processes = new Set<string>()
  readonly #dead = new Set<string>()
  readonly #reads = new AllReads()
  readonly #registers = new Registers()
  readonly #counts: HistoryCounts = emptyCounts()
  readonly #started = performance.now()
  #state: CheckState | undefined
  #lines = 0
  #now: Micros = Number.NEGATIVE_INFINITY

  constructor(options: { readonly onViolation?: (violation: Violation) => void } = {}) {
    this.#findings = new Findings(options.onViolation)
  }

  /**
   * The next line.
   * @throws HistoryFormatError where it can't be the next line of a history.
   */
  line(text: string): void {
    this.#lines++
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      throw this.#malformed('is not JSON')
    }
    if (typeof parsed !== 'object' || parsed === null) throw this.#malformed('is not an object')
    if (!this.#state) {
      this.#state = new CheckState(this.#header(parsed as HistoryHeader), this.#findings)
      return
    }
    this.#take(this.#state, parsed as HistoryLine)
  }

  /** Judges the whole. Call it once, after the last line. */
  verdict(): HistoryVerdict {
    const state = this.#state
    if (!state) throw new HistoryFormatError(1, 'there is no header')
    state.advance(Number.POSITIVE_INFINITY)
    judgeAppends(state)
    judgeOrder(state, this.#reads)
    for (const checkpoint of this.#registers.checkpoints.values()) {
      judgeCheckpoints(state, checkpoint)
    }
    const { findings } = state
    return {
      ok: findings.total === 0,
      header: state.header,
      violations: findings.violations,
      violationCount: findings.total,
      violationsByRule: Object.fromEntries(findings.counts),
      checks: Object.fromEntries(findings.checked),
      counts: {
        ...this.#counts,
        lines: this.#lines,
        processes: this.#processes.size,
        streams: state.streams.size,
        events: state.events.count,
        unanswered: this.#counts.unanswered + this.#pending.size,
      },
      milliseconds: performance.now() - this.#started,
    }
  }

  #malformed(problem: string): HistoryFormatError {
    return new HistoryFormatError(this.#lines, problem)
  }

  #header(header: HistoryHeader): HistoryHeader {
    if (header.annals !== 'history') throw this.#malformed('is not the header of a history')
    if (header.version !== 1) {
      throw this.#malformed(`is of version ${header.version} of the format; this checker knows 1`)
    }
    if (typeof header.capabilities !== 'object' || header.capabilities === null) {
      throw this.#malformed('lacks the capabilities')
    }
    return header
  }

  #take(state: CheckState, line: HistoryLine): void {
    if (typeof line.at !== 'number' || !(line.at >= this.#now)) {
      throw this.#malformed(
        `its time ${line.at} is not after that of the line before, ${this.#now}; merge the logs of the processes by time`,
      )
    }
    this.#now = line.at
    state.advance(line.at)
    switch (line.t) {
      case 'call':
        this.#call(state, line)
        return
      case 'got': {
        const pending = this.#pending.get(line.op)
        if (!pending?.got) throw this.#malformed(`no subscription ${line.op} is under way`)
        this.#counts.delivered += line.events?.length ?? 0
        pending.operation.endLine = this.#lines
        pending.got(line)
        return
      }
      case 'return':
        this.#return(line)
        return
      case 'died': {
        this.#dead.add(line.process)
        for (const [op, { operation }] of this.#pending) {
          if (operation.process !== line.process) continue
          if (operation.parts.length > 0) {
            state.later(line.at, () => state.appendEnded(operation, true))
          }
          this.#pending.delete(op)
          this.#counts.unanswered++
        }
        return
      }
      case 'quiet':
        state.later(line.at, () => state.quiet())
        return
      case 'note':
        if (line.fault !== undefined) this.#counts.faults++
        return
      default:
        throw this.#malformed(`has an unknown "t": ${JSON.stringify((line as { t: unknown }).t)}`)
    }
  }

  #return(line: ReturnLine): void {
    const pending = this.#pending.get(line.op)
    if (!pending) throw this.#malformed(`no operation ${line.op} is under way`)
    this.#pending.delete(line.op)
    const { operation } = pending
    operation.end = line.at
    operation.endLine = this.#lines
    operation.outcome = line.outcome
    operation.code = line.code
    this.#counts[line.outcome === 'ok' ? 'ok' : line.outcome === 'fail' ? 'failed' : 'unknown']++
    if (line.code === 'CORRUPT') {
      // Nobody but this history writes here, so what cannot be read is what it has written.
      this.#findings.add(
        operation.request?.do.endsWith('Checkpoint') ? 'CHECK-1' : 'APPEND-1',
        `The store cannot read what it keeps: ${line.message ?? 'CORRUPT'}`,
        operation,
      )
    }
    pending.returned(line)
  }

  #call(state: CheckState, line: CallLine): void {
    if (this.#pending.has(line.op)) throw this.#malformed(`operation ${line.op} was called before`)
    if (this.#dead.has(line.process)) {
      throw this.#malformed(`process ${line.process} is dead and can't call`)
    }
    this.#processes.add(line.process)
    this.#counts.operations++
    const isAppend = line.do === 'append' || line.do === 'appendToStreams'
    const operation = new Operation(
      line.op,
      line.process,
      line.at,
      this.#lines,
      isAppend ? undefined : line,
    )
    this.#pending.set(line.op, { operation, ...this.#begin(state, operation, line) })
  }

  /** What to do with what comes of a call. */
  #begin(state: CheckState, operation: Operation, line: CallLine): Omit<Pending, 'operation'> {
    const registers = this.#registers
    const reads = this.#reads
    const counts = this.#counts
    switch (line.do) {
      case 'append':
      case 'appendToStreams': {
        counts.appends++
        const began: PendingAppend = appendCalled(state, operation, line)
        return { returned: (answer) => appendReturned(state, operation, began, answer) }
      }
      case 'readStream': {
        counts.reads++
        const began = streamReadCalled(state, line.stream)
        return {
          returned: (answer) => {
            counts.read += answer.events?.length ?? 0
            streamReadReturned(state, operation, line, began, answer)
          },
        }
      }
      case 'streamVersion': {
        counts.reads++
        const began = streamReadCalled(state, line.stream)
        return { returned: (answer) => versionReturned(state, operation, began, answer) }
      }
      case 'readAll': {
        counts.reads++
        const read = readAllCalled(state, reads, operation, line)
        return {
          returned: (answer) => {
            counts.read += answer.events?.length ?? 0
            readAllReturned(state, reads, read, line.limit, answer)
          },
        }
      }
      case 'headPosition': {
        counts.reads++
        const required: Required | undefined = state.required
        return { returned: (answer) => headReturned(state, reads, operation, required, answer) }
      }
      case 'subscribeToAll': {
        counts.subscriptions++
        const read = allSubscribed(state, operation, line)
        reads.all.push(read)
        return {
          got: (got) => allGot(state, read, got),
          returned: (answer) => this.#subscriptionEnded(operation, answer),
        }
      }
      case 'subscribeToStream': {
        counts.subscriptions++
        const subscription = streamSubscribed(state, line)
        return {
          got: (got) => streamGot(state, operation, subscription, got),
          returned: (answer) => this.#subscriptionEnded(operation, answer),
        }
      }
      case 'saveCheckpoint': {
        counts.checkpoints++
        const checkpoint = registers.checkpoint(line.subscription)
        checkpoint.writes.push({ operation, value: line.position, expected: line.expected })
        return {
          returned: (answer) => {
            if (answer.code !== 'CHECKPOINT_CONFLICT' || answer.actual === undefined) return
            const actual = answer.actual as string | null
            operation.actual = actual
            checkpoint.findings.push({ operation, value: actual })
          },
        }
      }
      case 'deleteCheckpoint': {
        counts.checkpoints++
        registers
          .checkpoint(line.subscription)
          .writes.push({ operation, value: null, expected: undefined })
        return { returned: () => {} }
      }
      case 'loadCheckpoint': {
        counts.checkpoints++
        return {
          returned: (answer) => {
            if (answer.outcome !== 'ok' || answer.position === undefined) return
            operation.answer = answer.position
            registers
              .checkpoint(line.subscription)
              .findings.push({ operation, value: answer.position })
          },
        }
      }
      case 'saveSnapshot': {
        counts.snapshots++
        const { stream, version, digest } = line
        snapshotSaveCalled(registers, operation, stream, version, digest)
        return {
          returned: (answer) => {
            if (answer.outcome === 'ok') snapshotKept(state, registers, operation, stream, version)
          },
        }
      }
      case 'deleteSnapshot': {
        counts.snapshots++
        registers.snapshot(line.stream).deleted = true
        return { returned: () => {} }
      }
      case 'loadSnapshot': {
        counts.snapshots++
        const { floor } = registers.snapshot(line.stream)
        return {
          returned: (answer) => {
            if (answer.outcome !== 'ok' || answer.snapshot === undefined) return
            snapshotLoaded(state, registers, operation, line.stream, floor, answer.snapshot)
          },
        }
      }
      default:
        throw this.#malformed(
          `has an unknown "do": ${JSON.stringify((line as { do: unknown }).do)}`,
        )
    }
  }

  #subscriptionEnded(operation: Operation, line: ReturnLine): void {
    this.#findings.examined('SUB-4')
    if (line.stalledMs !== undefined) {
      this.#findings.add(
        'SUB-4',
        `A subscription gave nothing for ${line.stalledMs} ms although there was more.`,
        operation,
      )
    } else if (line.outcome === 'ok' && line.end === 'itself') {
      this.#findings.add('SUB-4', 'A subscription ended without an error.', operation)
    }
  }
}
