import type { AppendPart, CallLine, ReturnLine } from './format.js'
import type { Operation } from './operation.js'
import { type CheckState, HistoryFormatError } from './state.js'
import type { AppendPartState, Floor } from './tables.js'

/** An append under way, and what was sure when it was begun. */
export interface PendingAppend {
  readonly floors: readonly Floor[]
}

export function appendCalled(
  state: CheckState,
  operation: Operation,
  call: CallLine & { do: 'append' | 'appendToStreams' },
): PendingAppend {
  const appends: readonly AppendPart[] = call.do === 'append' ? [call] : call.appends
  operation.parts = appends.map((part): AppendPartState => {
    if (!part.stream.startsWith(state.prefix)) {
      throw new HistoryFormatError(
        operation.callLine,
        `stream ${JSON.stringify(part.stream)} does not begin with the header's streamPrefix`,
      )
    }
    const group = state.stream(part.stream).group(
      part.events.map(([id]) => id),
      part.events.map(([, type]) => type),
      part.events.map(([, , digest]) => digest),
    )
    const attempt: AppendPartState = {
      operation,
      group,
      expected: part.expected,
      version: undefined,
      position: undefined,
    }
    // Mostly there is one. An array that is pushed to keeps room for many, and there are millions of these.
    group.attempts = [...group.attempts, attempt]
    return attempt
  })
  state.appends.push(operation)
  const floors = operation.parts.map(({ group }) => state.floorOf(group.stream))
  state.appendBegan(operation)
  return { floors }
}

export function appendReturned(
  state: CheckState,
  operation: Operation,
  { floors }: PendingAppend,
  line: ReturnLine,
): void {
  if (line.outcome === 'ok') acknowledged(state, operation, line)
  else if (line.code === 'WRONG_EXPECTED_VERSION') refused(state, operation, floors, line)
  state.later(operation.end, () => {
    if (line.outcome === 'ok') {
      for (const { group, version } of operation.parts) {
        if (version !== undefined) state.raiseFloor(group.stream, version, operation)
      }
    }
    state.appendEnded(operation, line.outcome === 'unknown' || line.retried === true)
  })
}

function acknowledged(state: CheckState, operation: Operation, line: ReturnLine): void {
  const { findings, events } = state
  const results = line.results ?? []
  if (results.length !== operation.parts.length) {
    throw new HistoryFormatError(operation.endLine, 'one result for each stream is needed')
  }
  operation.parts.forEach((part, i) => {
    const [version, position] = results[i]!
    const { stream, ids } = part.group
    const before = version - ids.length
    part.version = version
    part.position = position
    findings.examined('APPEND-5')
    if (!Number.isSafeInteger(version) || before < 0) {
      findings.add(
        'APPEND-5',
        `No append of ${ids.length} events ends at version ${version}.`,
        operation,
      )
      return
    }
    if (typeof part.expected === 'number') {
      findings.examined('EXPECT-1')
      if (before !== part.expected) {
        findings.add(
          'EXPECT-1',
          `An append that expected version ${part.expected} succeeded after version ${before} of ${JSON.stringify(stream.name)}.`,
          operation,
        )
        return
      }
    }
    let last = -1
    for (let k = 0; k < ids.length; k++) {
      last = state.claim(stream, before + 1 + k, ids[k]!, operation)
      if (last === -1) return
      if (events.acknowledgedBy[last] === undefined) {
        events.acknowledged[last] = operation.end
        events.acknowledgedBy[last] = operation
      }
    }
    state.setPosition(last, position, operation)
  })
}

function refused(
  state: CheckState,
  operation: Operation,
  floors: readonly Floor[],
  line: ReturnLine,
): void {
  const { findings } = state
  operation.refusedStream = line.stream
  operation.actual = line.actual
  findings.examined('EXPECT-4')
  const index = operation.parts.findIndex(({ group }) => group.stream.name === line.stream)
  const part = operation.parts[index]
  if (!part) {
    findings.add(
      operation.parts.length > 1 ? 'MULTI-1' : 'EXPECT-4',
      `The conflict names ${JSON.stringify(line.stream)}, which the append does not write.`,
      operation,
    )
    return
  }
  const { stream } = part.group
  const { actual } = line
  if (part.expected === 'any') {
    findings.add('EXPECT-3', `'any' was refused as a conflict.`, operation)
    return
  }
  if (typeof actual !== 'number') {
    findings.add('EXPECT-4', 'The conflict does not tell the true version.', operation)
    return
  }
  if (part.expected === 'exists' ? actual !== 0 : actual === part.expected) {
    findings.add(
      'EXPECT-4',
      `Refused as a conflict, although the stream was as expected: ${part.expected}, actual ${actual}.`,
      operation,
    )
    return
  }
  const floor = floors[index]!
  if (actual < floor.version) {
    findings.add(
      'EXPECT-4',
      `The conflict tells version ${actual} of ${JSON.stringify(stream.name)}, which was at ${floor.version} before the append was begun.`,
      floor.operation,
      operation,
    )
    return
  }
  state.versionSightings.push({ operation, stream, version: actual })
  state.later(operation.end, () => state.raiseFloor(stream, actual, operation))
}
