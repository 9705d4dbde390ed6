import type {
  CallLine,
  GotLine,
  HistoryLine,
  ReturnLine,
  SeenEvent,
} from '../../src/history/format.js'
import type { Random } from '../../src/history/random.js'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Answered = { call: CallLine; answer: Mutable<ReturnLine> }

/**
 * Changes a history that keeps the contract, and ends with reads of everything in a quiet time, so that it certainly
 * breaks a rule. Returns false where this history has nothing for it.
 */
export type Mutation = (lines: HistoryLine[], random: Random) => boolean

export const mutations: Readonly<Record<string, Mutation>> = {
  'an acknowledged append becomes a failed one': (lines, random) => {
    const target = pick(random, appends(lines), ({ call, answer }) => {
      const ids = idsOf(call)
      return (
        answer.outcome === 'ok' &&
        // Its only attempt, so that nothing else can have written the events.
        appends(lines).filter((a) => idsOf(a.call).some((id) => ids.includes(id))).length === 1 &&
        !unanswered(lines).some((call2) => idsOf(call2).some((id) => ids.includes(id)))
      )
    })
    if (!target) return false
    delete target.answer.results
    target.answer.outcome = 'fail'
    target.answer.code = random.pick(['UNAVAILABLE', 'ACCESS_DENIED', 'CLOSED'])
    return true
  },
  'an acknowledged version is changed': (lines, random) =>
    changeResult(lines, random, (version, position) => [version + random.pick([-1, 1]), position]),
  'an acknowledged position is changed': (lines, random) =>
    changeResult(lines, random, (version, position) => [version, `${position}x`]),
  'a conflict tells the version that was expected': (lines, random) => {
    const target = pick(
      random,
      appends(lines),
      ({ call, answer }) =>
        answer.code === 'WRONG_EXPECTED_VERSION' &&
        call.do === 'append' &&
        typeof call.expected === 'number',
    )
    if (target?.call.do !== 'append') return false
    target.answer.actual = target.call.expected as number
    return true
  },
  "a conflict of 'any'": (lines, random) => {
    const target = pick(
      random,
      appends(lines),
      ({ call, answer }) =>
        call.do === 'append' && call.expected === 'any' && answer.outcome === 'ok',
    )
    if (target?.call.do !== 'append') return false
    delete target.answer.results
    Object.assign(target.answer, {
      outcome: 'fail',
      code: 'WRONG_EXPECTED_VERSION',
      stream: target.call.stream,
      actual: 1,
    })
    return true
  },
  'an event is lost from the last read of all': (lines, random) =>
    changeEvents(random, lastRead(lines, 'readAll'), 1, (events, i) => events.splice(i, 1)),
  'an event is lost from the last read of a stream': (lines, random) =>
    changeEvents(random, lastRead(lines, 'readStream'), 1, (events, i) => events.splice(i, 1)),
  'an event comes twice in a read': (lines, random) =>
    changeEvents(random, anyRead(lines, random, 1), 1, (events, i) =>
      events.splice(i, 0, events[i]!),
    ),
  'two events change places in a read': (lines, random) =>
    changeEvents(random, anyRead(lines, random, 2), 2, (events, i) =>
      events.splice(i, 2, events[i + 1]!, events[i]!),
    ),
  'the content of an event is changed': (lines, random) =>
    changeEvents(random, anyRead(lines, random, 1), 1, (events, i) => {
      const [stream, version, position, id] = events[i]!
      events[i] = [stream, version, position, id, 'changed']
    }),
  'another event stands in its place': (lines, random) =>
    changeEvents(random, anyRead(lines, random, 1), 1, (events, i) => {
      const [stream, version, position, , digest] = events[i]!
      events[i] = [stream, version, position, 'nobody', digest]
    }),
  'an event has another version': (lines, random) =>
    changeEvents(random, anyRead(lines, random, 1), 1, (events, i) => {
      const [stream, version, position, id, digest] = events[i]!
      events[i] = [stream, version + random.pick([-1, 1]), position, id, digest]
    }),
  'an event moved to another stream': (lines, random) =>
    changeEvents(random, anyRead(lines, random, 1), 1, (events, i) => {
      const [, version, position, id, digest] = events[i]!
      events[i] = ['Elsewhere-1', version, position, id, digest]
    }),
  'a read of a stream does not reach its end': (lines, random) =>
    changeEvents(random, lastRead(lines, 'readStream'), 1, (events) => events.pop()),
  'a subscription skips an event': (lines, random) =>
    changeGot(
      lines,
      random,
      (events, i) => i < events.length - 1 && events.splice(i, 1).length > 0,
    ),
  'a subscription gives an event twice': (lines, random) =>
    changeGot(lines, random, (events, i) => {
      events.splice(i, 0, events[i]!)
      return true
    }),
  'a subscription gives two events in the other order': (lines, random) =>
    changeGot(lines, random, (events, i) => {
      if (i + 1 >= events.length) return false
      events.splice(i, 2, events[i + 1]!, events[i]!)
      return true
    }),
  'a subscription ends by itself': (lines, random) => {
    const target = pick(
      random,
      answers(lines),
      ({ call, answer }) => call.do.startsWith('subscribe') && answer.outcome === 'ok',
    )
    if (!target) return false
    target.answer.end = 'itself'
    return true
  },
  'a checkpoint is one that nobody saved': (lines, random) => {
    const target = pick(random, answers(lines), ({ call }) => call.do === 'loadCheckpoint')
    if (!target) return false
    target.answer.position = 'nowhere'
    return true
  },
  'a snapshot is one that nobody saved': (lines, random) => {
    const target = pick(random, answers(lines), ({ call }) => call.do === 'loadSnapshot')
    if (!target) return false
    target.answer.snapshot = [77, 'nobody']
    return true
  },
  'a streamVersion from the future': (lines, random) => {
    const target = pick(random, answers(lines), ({ call }) => call.do === 'streamVersion')
    if (!target) return false
    target.answer.version = 1000
    return true
  },
  'an acknowledged append was begun after everything else': (lines, random) => {
    // Only real time tells: its events stand where they stood.
    const [last] = answers(lines).filter(({ call }) => call.process === 'end')
    const target = pick(random, appends(lines), ({ call, answer }) => {
      if (answer.outcome !== 'ok' || call.do !== 'append') return false
      const same = appends(lines).filter((a) => idsOf(a.call).includes(idsOf(call)[0]!))
      const open = unanswered(lines).some((c) => idsOf(c).includes(idsOf(call)[0]!))
      return same.length === 1 && !open && readBefore(lines, idsOf(call)[0]!, last!.call.at)
    })
    if (!target || !last) return false
    for (const line of [target.call, target.answer])
      lines.splice(lines.indexOf(line as HistoryLine), 1)
    const index = lines.indexOf(last.call as HistoryLine)
    lines.splice(
      index,
      0,
      { ...target.call, process: 'late', at: last.call.at },
      { ...target.answer, at: last.call.at },
    )
    return true
  },
}

function isAppend(call: CallLine): boolean {
  return call.do === 'append' || call.do === 'appendToStreams'
}

function idsOf(call: CallLine): string[] {
  const parts = call.do === 'append' ? [call] : call.do === 'appendToStreams' ? call.appends : []
  return parts.flatMap(({ events }) => events.map(([id]) => id))
}

function answers(lines: readonly HistoryLine[]): Answered[] {
  const calls = new Map<string, CallLine>()
  const found: Answered[] = []
  for (const line of lines) {
    if (line.t === 'call') calls.set(line.op, line)
    else if (line.t === 'return') found.push({ call: calls.get(line.op)!, answer: line })
  }
  return found
}

function appends(lines: readonly HistoryLine[]): Answered[] {
  return answers(lines).filter(({ call }) => isAppend(call))
}

function unanswered(lines: readonly HistoryLine[]): CallLine[] {
  const answered = new Set(lines.flatMap((line) => (line.t === 'return' ? [line.op] : [])))
  return lines.filter((line): line is CallLine => line.t === 'call' && !answered.has(line.op))
}

function pick<T>(random: Random, items: readonly T[], suits: (item: T) => boolean): T | undefined {
  const suitable = items.filter(suits)
  return suitable.length === 0 ? undefined : random.pick(suitable)
}

function changeResult(
  lines: HistoryLine[],
  random: Random,
  change: (version: number, position: string) => readonly [number, string],
): boolean {
  const target = pick(random, appends(lines), ({ answer }) => answer.outcome === 'ok')
  if (!target) return false
  const results = [...target.answer.results!]
  const i = random.below(results.length)
  results[i] = change(...results[i]!)
  target.answer.results = results
  return true
}

/** A read in the quiet time at the end, from the start to the end. */
function lastRead(
  lines: readonly HistoryLine[],
  name: 'readAll' | 'readStream',
): Answered | undefined {
  const found = answers(lines).filter(
    ({ call, answer }) => call.process === 'end' && call.do === name && answer.events!.length > 0,
  )
  return found[found.length - 1]
}

function anyRead(
  lines: readonly HistoryLine[],
  random: Random,
  least: number,
): Answered | undefined {
  return pick(random, answers(lines), ({ answer }) => (answer.events?.length ?? 0) >= least)
}

function changeEvents(
  random: Random,
  target: Answered | undefined,
  window: number,
  change: (events: SeenEvent[], i: number) => unknown,
): boolean {
  if (!target) return false
  const events = [...target.answer.events!]
  change(events, random.below(events.length - window + 1))
  target.answer.events = events
  return true
}

function changeGot(
  lines: readonly HistoryLine[],
  random: Random,
  change: (events: SeenEvent[], i: number) => boolean,
): boolean {
  const got = pick(
    random,
    lines.filter((line): line is Mutable<GotLine> => line.t === 'got'),
    ({ events }) => (events?.length ?? 0) > 0,
  )
  if (!got) return false
  const events = [...got.events!]
  if (!change(events, random.below(events.length))) return false
  got.events = events
  return true
}

function readBefore(lines: readonly HistoryLine[], id: string, at: number): boolean {
  return lines.some(
    (line) =>
      (line.t === 'return' || line.t === 'got') &&
      line.at < at &&
      line.events?.some((e) => e[3] === id),
  )
}
