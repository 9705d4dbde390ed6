import type { RuleId } from '../rules.js'
import type { Operation } from './operation.js'
import type { CheckState } from './state.js'
import type { AppendGroup, AppendPartState, StreamState } from './tables.js'

/** What only the whole history shows of appends: who wrote what, once, whole, and where it was expected. */
export function judgeAppends(state: CheckState): void {
  for (const stream of state.streams.values()) {
    attribute(state, stream)
    for (const group of stream.groups) judgeGroup(state, group)
    judgeBeginnings(state, stream)
    judgeLength(state, stream)
  }
  judgeSightings(state)
  for (const operation of state.appends) {
    if (operation.code === 'WRONG_EXPECTED_VERSION') judgeConflict(state, operation)
    if (operation.code === 'DUPLICATE_EVENT_ID') judgeDuplicate(state, operation)
    if (operation.parts.length > 1 && !operation.failed) judgeSeveral(state, operation)
  }
}

function mayHaveWritten(group: AppendGroup): AppendPartState[] {
  return group.attempts.filter(({ operation }) => !operation.failed)
}

/** Finds for each event the append that wrote it (APPEND-1, APPEND-3, READ-4). */
function attribute(state: CheckState, stream: StreamState): void {
  const { events, findings } = state
  const unique =
    state.header.capabilities.uniqueEventIds === 'stream' &&
    state.header.capabilities.idempotentAny === 'always'
  const versions = new Map<string, number>()
  for (const [version, event] of stream.events) {
    const id = events.id[event]!
    const groups = stream.groupsWith(id)
    findings.examined('APPEND-1')
    if (groups.length === 0) {
      findings.add('APPEND-1', `Nobody appended ${events.name(event)}.`, events.witness(event))
      continue
    }
    const refused = groups.flatMap((group) => group.attempts.map(({ operation }) => operation))
    if (refused.every((operation) => operation.failed)) {
      findings.add(
        refused.every(({ code }) => code === 'UNAVAILABLE') ? 'ERR-2' : 'APPEND-3',
        `${events.name(event)} is there, although every append of it failed.`,
        refused[0],
        events.witness(event),
      )
      continue
    }
    const digest = events.digest[event]
    if (digest !== undefined) {
      findings.examined('READ-4')
      if (!groups.some((group) => group.digests[group.ids.indexOf(id)] === digest)) {
        findings.add(
          'READ-4',
          `The content of ${events.name(event)} is not what was appended.`,
          refused[0],
          events.seenBy[event],
        )
      }
    }
    const [group] = groups
    if (groups.length === 1 && group && !group.overlapping) {
      const start = version - group.ids.indexOf(id)
      if (!group.starts.includes(start)) group.starts = [...group.starts, start]
      continue
    }
    const other = versions.get(id)
    if (unique && other !== undefined) {
      findings.add(
        'IDEM-3',
        `Event ${id} is in ${JSON.stringify(stream.name)} twice: at version ${other} and ${version}.`,
        ...refused.slice(0, 3),
      )
    }
    versions.set(id, version)
  }
}

/** The copies of one append: whole (APPEND-2), expected (EXPECT-1, EXPECT-3), and one (IDEM-1 to IDEM-4). */
function judgeGroup(state: CheckState, group: AppendGroup): void {
  const { events, findings } = state
  const { stream, ids, starts } = group
  if (group.overlapping) return
  const attempts = mayHaveWritten(group)
  if (attempts.length === 0 || starts.length === 0) return
  for (const start of starts) {
    findings.examined('APPEND-2')
    for (let i = 0; i < ids.length; i++) {
      const version = start + i
      let event = stream.events.get(version)
      if (event !== undefined && events.id[event] !== ids[i]) event = -1
      if (version < 1 || event === -1) {
        const there = ids.map((_, k) => stream.events.get(start + k)).find((e) => e !== undefined)
        findings.add(
          'APPEND-2',
          `The append of ${ids.length} events is not whole: version ${version} of ${JSON.stringify(stream.name)} is not its event ${i + 1}.`,
          attempts[0]!.operation,
          there === undefined ? undefined : events.witness(there),
          events.witness(stream.events.get(version) ?? -1),
        )
        return
      }
      event ??= events.add(stream, version, ids[i]!)
      events.writer[event] = group
      events.start[event] = start
    }
    if (attempts.some(({ expected }) => expected === 'exists')) findings.examined('EXPECT-3')
    const explained = attempts.some(({ expected }) =>
      typeof expected === 'number' ? expected === start - 1 : expected === 'any' || start > 1,
    )
    if (!explained) {
      findings.add(
        attempts.some(({ expected }) => typeof expected === 'number') ? 'EXPECT-1' : 'EXPECT-3',
        `Written at version ${start} of ${JSON.stringify(stream.name)}, which none of its attempts expected.`,
        ...attempts.slice(0, 2).map(({ operation }) => operation),
        events.witness(stream.events.get(start)!),
      )
    }
  }
  if (attempts.length > 1) findings.examined(repeatRule(attempts))
  if (starts.length > copiesAllowed(state, group, attempts)) {
    const seen = starts.filter((start) => events.seenBy[stream.events.get(start)!] !== undefined)
    const misreported = attempts.length === 1 && seen.length < starts.length
    findings.add(
      misreported ? 'APPEND-5' : repeatRule(attempts),
      misreported
        ? `The append was acknowledged at another version of ${JSON.stringify(stream.name)} than readers see it at: ${starts.join(', ')}.`
        : `One append, ${attempts.length === 1 ? 'made once' : 'repeated'}, has more than one place in ${JSON.stringify(stream.name)}: from version ${starts.join(' and ')}.`,
      ...attempts.slice(0, 3).map(({ operation }) => operation),
      ...starts.slice(0, 2).map((start) => events.witness(stream.events.get(start)!)),
    )
  }
}

/** How often an append may be in its stream, by what the store claims and how often it was asked. */
function copiesAllowed(
  state: CheckState,
  { starts }: AppendGroup,
  attempts: readonly AppendPartState[],
): number {
  const { idempotentAny, uniqueEventIds } = state.header.capabilities
  if (idempotentAny === 'always' && uniqueEventIds === 'stream') return 1
  const numbers = starts.filter((start) =>
    attempts.some(({ expected }) => expected === start - 1),
  ).length
  const loose = attempts.filter(({ expected }) => typeof expected !== 'number').length
  return (
    (uniqueEventIds === 'none' ? numbers : Math.min(1, numbers)) +
    (idempotentAny === 'bestEffort' ? loose : Math.min(1, loose))
  )
}

function repeatRule(attempts: readonly AppendPartState[]): RuleId {
  if (attempts.length === 1) return 'IDEM-4'
  const numbers = new Set(attempts.map(({ expected }) => expected))
  if (![...numbers].some((expected) => typeof expected === 'number')) return 'IDEM-2'
  return numbers.size === 1 ? 'IDEM-1' : 'IDEM-3'
}

/** Nothing is there before anybody began to append it. */
function judgeBeginnings(state: CheckState, stream: StreamState): void {
  const { events, findings } = state
  for (const event of stream.events.values()) {
    let begin = Number.POSITIVE_INFINITY
    for (const group of stream.groupsWith(events.id[event]!)) {
      for (const { operation } of group.attempts) {
        if (!operation.failed && operation.call < begin) begin = operation.call
      }
    }
    if (begin === Number.POSITIVE_INFINITY) begin = Number.NEGATIVE_INFINITY
    events.begin[event] = begin
    if (events.seen[event]! < begin) {
      const [group] = stream.groupsWith(events.id[event]!)
      findings.add(
        'ALL-3',
        `${events.name(event)} was read before its append was begun.`,
        events.seenBy[event],
        group?.attempts.find(({ operation }) => !operation.failed)?.operation,
      )
    }
  }
}

/** A stream can't be longer than what was appended to it. */
function judgeLength(state: CheckState, stream: StreamState): void {
  const { idempotentAny, uniqueEventIds } = state.header.capabilities
  const weak = idempotentAny !== 'always' || uniqueEventIds !== 'stream'
  let possible = 0
  for (const group of stream.groups) {
    const attempts = mayHaveWritten(group).length
    possible += group.ids.length * (weak ? attempts : Math.min(1, attempts))
  }
  stream.possible = possible
  let highest = 0
  for (const version of stream.events.keys()) if (version > highest) highest = version
  state.findings.examined('APPEND-4')
  if (highest <= possible) return
  const event = stream.events.get(highest)!
  const operation = state.events.witness(event)
  state.findings.add(
    operation?.parts.some(({ expected }) => typeof expected === 'number') ? 'EXPECT-1' : 'APPEND-4',
    `${state.events.name(event)} has a higher version than the ${possible} events that were appended allow.`,
    operation,
  )
}

/** Those that saw where a stream ended must have seen the end of an append (APPEND-2) that was begun by then. */
function judgeSightings(state: CheckState): void {
  const { events, findings } = state
  for (const { operation, stream, version } of state.versionSightings) {
    if (version === 0) continue
    const event = stream.events.get(version)
    const conflict = operation.parts.length > 0
    findings.examined('APPEND-2')
    if (event === undefined) {
      const { possible } = stream
      if (version > possible) {
        findings.add(
          conflict ? 'EXPECT-4' : 'APPEND-4',
          `${JSON.stringify(stream.name)} is said to be at version ${version}, but only ${possible} events were appended.`,
          operation,
        )
      }
    } else if (events.begin[event]! > operation.end) {
      findings.add(
        conflict ? 'EXPECT-4' : 'ALL-3',
        `${JSON.stringify(stream.name)} is said to be at version ${version} before that was appended.`,
        operation,
        events.witness(event),
      )
    } else if (!events.mayEndAppend(event)) {
      findings.add(
        'APPEND-2',
        `${JSON.stringify(stream.name)} was seen to end at version ${version}, in the middle of an append.`,
        operation,
        mayHaveWritten(events.writer[event]!)[0]?.operation,
      )
    }
  }
}

/** A repeat is not a conflict: its events stand where it expects to write them (IDEM-1). */
function judgeConflict(state: CheckState, operation: Operation): void {
  const [part] = operation.parts
  if (operation.parts.length !== 1 || !part || typeof part.expected !== 'number') return
  const { group, expected } = part
  const { actual } = operation
  if (typeof actual !== 'number' || actual <= expected || group.overlapping) return
  const writers = mayHaveWritten(group)
  state.findings.examined('IDEM-1')
  if (writers.length === 0 || !group.starts.includes(expected + 1)) return
  state.findings.add(
    'IDEM-1',
    `Refused as a conflict, although its own events are in ${JSON.stringify(group.stream.name)} from version ${expected + 1}.`,
    writers[0]!.operation,
    operation,
  )
}

function judgeDuplicate(state: CheckState, operation: Operation): void {
  const { events, findings } = state
  findings.examined('IDEM-3')
  const others = operation.parts.flatMap(({ group }) =>
    group.ids.flatMap((id) =>
      group.stream.groupsWith(id).flatMap((g) => g.attempts.map((attempt) => attempt.operation)),
    ),
  )
  const before = others.filter((other) => other !== operation && other.call < operation.end)
  if (!before.some((other) => !other.failed)) {
    findings.add(
      before.length > 0 ? 'APPEND-3' : 'IDEM-3',
      before.length > 0
        ? 'An id was refused as a duplicate, although the appends that held it before failed.'
        : 'An id was refused as a duplicate, although nobody had appended it.',
      before[0],
      operation,
    )
    return
  }
  const [part] = operation.parts
  if (operation.parts.length !== 1 || !part || part.group.overlapping) return
  const { group, expected } = part
  const repeats = group.starts.some((start) => {
    const last = group.stream.events.get(start + group.ids.length - 1)!
    const there = Math.min(events.acknowledged[last]!, events.seen[last]!)
    return there < operation.call && (typeof expected !== 'number' || expected === start - 1)
  })
  if (!repeats) return
  if (typeof expected !== 'number' && state.header.capabilities.idempotentAny !== 'always') return
  findings.add(
    typeof expected === 'number' ? 'IDEM-1' : 'IDEM-2',
    'A repeat was refused as a duplicate instead of answered with the first result.',
    mayHaveWritten(group)[0]?.operation,
    operation,
  )
}

/** One part of an append to several streams is there and another is not (MULTI-1). */
function judgeSeveral(state: CheckState, operation: Operation): void {
  const { events, findings } = state
  const groups = operation.parts.map(({ group }) => group)
  findings.examined('MULTI-1')
  // Only where nothing but this append, or its exact repeats, can have written the part that is there.
  const there = groups.find(
    (group) =>
      !group.overlapping &&
      group.starts.length > 0 &&
      group.attempts.every(({ operation: other }) =>
        groups.every((g) => other.parts.some((part) => part.group === g)),
      ),
  )
  if (!there) return
  const event = there.stream.events.get(there.starts[0]!)
  if (event === undefined) return
  const since = Math.min(events.seen[event]!, events.acknowledged[event]!)
  for (const group of groups) {
    if (group === there || group.starts.length > 0 || group.overlapping) continue
    const { tail } = group.stream
    if (!tail || tail.operation.call <= since) continue
    let known = 0
    while (known < tail.version && group.stream.events.has(known + 1)) known++
    if (known < tail.version) continue
    findings.add(
      'MULTI-1',
      `An append to several streams is in ${JSON.stringify(there.stream.name)}, but not in ${JSON.stringify(group.stream.name)}.`,
      operation,
      events.witness(event),
      tail.operation,
    )
    return
  }
}
