import type { Position } from '@annals/core'
import type { Micros } from './format.js'
import type { Operation } from './operation.js'
import type { CheckState } from './state.js'
import type { Checkpoint, Write } from './take-registers.js'

interface Value {
  readonly write: Write
  /** By then it had been there for certain: acknowledged, found, or built upon. */
  surely: Micros
  by: Operation | undefined
}

/**
 * A checkpoint is a register with compare-and-set (CHECK-1). Values that were written once tell which write they come
 * from; only these are judged by time, so that the check is linear and never wrong.
 */
export function judgeCheckpoints(state: CheckState, checkpoint: Checkpoint): void {
  const { findings } = state
  const writes = checkpoint.writes.filter(({ operation }) => !operation.failed)
  const name = JSON.stringify(checkpoint.name)
  const values = new Map<Position | null, Value | 'several'>()
  for (const write of writes) {
    values.set(
      write.value,
      // There was none at the start either: a deletion makes that a value that was there twice.
      write.value === null || values.has(write.value)
        ? 'several'
        : {
            write,
            surely:
              write.operation.outcome === 'ok' ? write.operation.end : Number.POSITIVE_INFINITY,
            by: write.operation,
          },
    )
  }
  const known = (value: Position | null) => {
    const found = values.get(value)
    return found === 'several' ? undefined : found
  }

  for (const { operation, value } of checkpoint.findings) {
    findings.examined('CHECK-1')
    const found = values.get(value)
    if (!found && value !== null) {
      findings.add(
        'CHECK-1',
        `Checkpoint ${name} was found at ${value}, which nobody saved.`,
        checkpoint.writes.find((write) => write.value === value)?.operation,
        operation,
      )
    } else if (found && found !== 'several') {
      if (found.write.operation.call > operation.end) {
        findings.add(
          'CHECK-1',
          `Checkpoint ${name} was found at ${value} before that was saved.`,
          operation,
          found.write.operation,
        )
      }
      lower(found, operation.end, operation)
    }
  }
  // What was built upon was there. The later of a chain come first here, so that one pass is enough.
  for (const { operation, value, expected } of [...writes].reverse()) {
    const found = known(value)
    const base = expected === undefined ? undefined : known(expected)
    if (found && base && found.surely < Number.POSITIVE_INFINITY) {
      lower(base, found.surely, found.by ?? operation)
    }
  }

  twice(state, checkpoint, writes, values)
  const superseded = supersededBy(writes, known)
  for (const { operation, value } of checkpoint.findings) {
    const since = superseded.get(value)
    if (since && since.surely < operation.call) {
      findings.add(
        'CHECK-1',
        `Checkpoint ${name} went back to ${value}, after it had been at ${since.write.value}.`,
        known(value)?.write.operation,
        since.write.operation,
        since.by,
        operation,
      )
    }
  }
}

function lower(value: Value, at: Micros, by: Operation): void {
  if (at >= value.surely) return
  value.surely = at
  value.by = by
}

/** Two owners can't both have moved it away from the same place. */
function twice(
  state: CheckState,
  checkpoint: Checkpoint,
  writes: readonly Write[],
  values: ReadonlyMap<Position | null, unknown>,
): void {
  const movedBy = new Map<Position | null, Write>()
  for (const write of writes) {
    const { expected, operation } = write
    if (expected === undefined || operation.outcome !== 'ok') continue
    state.findings.examined('CHECK-1')
    // Written several times, or deleted and so none again: then it may have been there more than once.
    if (expected === null ? values.has(null) : values.get(expected) === 'several') continue
    if (write.value === expected) continue
    const before = movedBy.get(expected)
    if (before) {
      state.findings.add(
        'CHECK-1',
        `Two saves of checkpoint ${JSON.stringify(checkpoint.name)} succeeded, and both demanded ${expected ?? 'none'} before.`,
        before.operation,
        operation,
      )
    }
    movedBy.set(expected, write)
  }
}

/** For each value that was written once: the first that certainly came after it. */
function supersededBy(
  writes: readonly Write[],
  known: (value: Position | null) => Value | undefined,
): Map<Position | null, Value> {
  const superseded = new Map<Position | null, Value>()
  const earlier = (value: Position | null, by: Value) => {
    const before = superseded.get(value)
    if (!before || by.surely < before.surely) superseded.set(value, by)
  }
  // Built upon: x → y.
  for (const { expected, value } of writes) {
    if (expected === undefined || expected === value) continue
    const after = known(value)
    if (
      after &&
      (known(expected) || expected === null) &&
      after.surely < Number.POSITIVE_INFINITY
    ) {
      if (expected !== null || !writes.some((write) => write.value === null))
        earlier(expected, after)
    }
  }
  // By time: begun when x was there already, and done.
  const byCall = [...writes].sort((a, b) => a.operation.call - b.operation.call)
  const done: (Value | undefined)[] = new Array(byCall.length + 1)
  for (let i = byCall.length - 1; i >= 0; i--) {
    const write = byCall[i]!
    const value = known(write.value) ?? {
      write,
      surely: write.operation.outcome === 'ok' ? write.operation.end : Number.POSITIVE_INFINITY,
      by: write.operation,
    }
    const next = done[i + 1]
    done[i] = next && next.surely <= value.surely ? next : value
  }
  for (const write of writes) {
    const value = known(write.value)
    if (!value || value.surely === Number.POSITIVE_INFINITY) continue
    let low = 0
    let high = byCall.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (byCall[middle]!.operation.call > value.surely) high = middle
      else low = middle + 1
    }
    const after = done[low]
    if (after && after.surely < Number.POSITIVE_INFINITY) earlier(write.value, after)
  }
  // None was there at the start: the first save ends that, unless somebody deletes.
  if (!writes.some((write) => write.value === null) && done[0]) earlier(null, done[0])
  return superseded
}
