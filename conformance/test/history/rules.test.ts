import { describe, expect, it } from 'vitest'
import { checkHistory } from '../../src/history/check-history.js'
import type {
  AskedEvent,
  HistoryHeader,
  HistoryLine,
  Request,
  ReturnLine,
} from '../../src/history/format.js'
import type { RuleId } from '../../src/rules.js'
import { strong, weak } from './simulated-history.js'

/** Writes small histories by hand: each call on its own has ten microseconds, what is passed to `during` runs within them. */
class Log {
  readonly lines: HistoryLine[] = []
  #at = 100
  #ops = 0

  call(request: Request, process = 'p1'): string {
    const op = `o${this.#ops++}`
    this.#at += 10
    this.lines.push({ t: 'call', op, process, at: this.#at, ...request })
    return op
  }

  answer(op: string, answer: Omit<ReturnLine, 't' | 'op' | 'at'>): this {
    this.#at += 10
    this.lines.push({ t: 'return', op, at: this.#at, ...answer })
    return this
  }

  got(
    op: string,
    what: { events?: readonly Seen[]; caughtUp?: string | number; progress?: string },
  ): this {
    this.#at += 10
    const { events, ...rest } = what
    const seen = events?.map(full)
    this.lines.push({ t: 'got', op, at: this.#at, ...rest, ...(seen ? { events: seen } : {}) })
    return this
  }

  mark(line: { t: 'quiet' } | { t: 'died'; process: string }): this {
    this.#at += 10
    this.lines.push({ ...line, at: this.#at })
    return this
  }

  append(
    ids: string,
    expected: number | 'any' | 'exists',
    answer: readonly [version: number, position: string] | Omit<ReturnLine, 't' | 'op' | 'at'>,
    stream = 'S-1',
  ): this {
    const op = this.call({ do: 'append', ...part(stream, expected, ids) })
    return this.answer(op, isResult(answer) ? { outcome: 'ok', results: [answer] } : answer)
  }

  conflict(ids: string, expected: number | 'any' | 'exists', actual: number, stream = 'S-1'): this {
    return this.append(
      ids,
      expected,
      { outcome: 'fail', code: 'WRONG_EXPECTED_VERSION', stream, actual },
      stream,
    )
  }

  readStream(events: readonly Seen[], options: Partial<Request & { do: 'readStream' }> = {}): this {
    const op = this.call({ do: 'readStream', stream: 'S-1', direction: 'forwards', ...options })
    return this.answer(op, { outcome: 'ok', events: events.map(full), end: 'itself' })
  }

  readAll(events: readonly Seen[], options: Partial<Request & { do: 'readAll' }> = {}): this {
    const op = this.call({ do: 'readAll', direction: 'forwards', ...options })
    return this.answer(op, { outcome: 'ok', events: events.map(full), end: 'itself' })
  }

  load(subscription: string, position: string | null): this {
    return this.answer(this.call({ do: 'loadCheckpoint', subscription }), {
      outcome: 'ok',
      position,
    })
  }

  save(
    subscription: string,
    position: string,
    expected: string | null | undefined,
    ok = true,
    actual: string | null = null,
  ): this {
    const op = this.call({
      do: 'saveCheckpoint',
      subscription,
      position,
      ...(expected === undefined ? {} : { expected }),
    })
    return this.answer(
      op,
      ok ? { outcome: 'ok' } : { outcome: 'fail', code: 'CHECKPOINT_CONFLICT', actual },
    )
  }
}

type Seen = readonly [
  version: number,
  position: string,
  id: string,
  stream?: string,
  digest?: string,
]

const full = ([version, position, id, stream = 'S-1', digest = `#${id}`]: Seen) =>
  [stream, version, position, id, digest] as const

const isResult = (answer: unknown): answer is readonly [number, string] => Array.isArray(answer)

/** 'a b' are two events; the type of an event is its id in upper case. */
const part = (stream: string, expected: number | 'any' | 'exists', ids: string) => ({
  stream,
  expected,
  events: ids.split(' ').map((id): AskedEvent => [id, id.toUpperCase(), `#${id}`]),
})

async function verdictOf(write: (log: Log) => unknown, capabilities = strong) {
  const log = new Log()
  write(log)
  const header: HistoryHeader = { annals: 'history', version: 1, store: 'by hand', capabilities }
  return checkHistory([header, ...log.lines].map((line) => JSON.stringify(line)))
}

const broken: [rule: RuleId, what: string, write: (log: Log) => unknown][] = [
  [
    'APPEND-1',
    'an acknowledged event is not where readers of all pass it',
    (log) =>
      log
        .append('a', 0, [1, 'p1'])
        .append('b', 0, [1, 'p2'], 'S-2')
        .append('c', 0, [1, 'p3'], 'S-3')
        .readAll([
          [1, 'p1', 'a'],
          [1, 'p3', 'c', 'S-3'],
        ]),
  ],
  [
    'APPEND-1',
    'another event has the version of an acknowledged one',
    (log) =>
      log
        .append('a', 0, [1, 'p1'])
        .append('b', 'any', { outcome: 'unknown' })
        .readStream([[1, 'p1', 'b']]),
  ],
  ['APPEND-1', 'an event that nobody appended', (log) => log.readStream([[1, 'p1', 'a']])],
  [
    'APPEND-1',
    'an event of unknown outcome is seen, and gone again',
    (log) =>
      log
        .append('a', 0, { outcome: 'unknown' })
        .readStream([[1, 'p1', 'a']])
        .readStream([]),
  ],
  [
    'APPEND-1',
    'the first event of a stream is missing in the order',
    (log) => log.append('a b', 0, [2, 'p2']).readAll([[2, 'p2', 'b']]),
  ],
  [
    'APPEND-1',
    'a stream that the store cannot read any more',
    (log) =>
      log
        .append('a', 0, [1, 'p1'])
        .answer(log.call({ do: 'readStream', stream: 'S-1', direction: 'forwards' }), {
          outcome: 'fail',
          code: 'CORRUPT',
        }),
  ],
  [
    'APPEND-2',
    'a stream is seen to end inside an append',
    (log) => log.append('a b', 0, { outcome: 'unknown' }).readStream([[1, 'p1', 'a']]),
  ],
  [
    'APPEND-2',
    'the order is seen to end inside an append',
    (log) => log.append('a b', 0, { outcome: 'unknown' }).readAll([[1, 'p1', 'a']]),
  ],
  [
    'APPEND-2',
    'backwards, the order begins inside an append',
    (log) =>
      log
        .append('a b', 0, { outcome: 'unknown' })
        .readAll([[1, 'p1', 'a']], { direction: 'backwards' }),
  ],
  [
    'APPEND-2',
    'streamVersion inside an append',
    (log) => {
      const op = log.call({ do: 'append', ...part('S-1', 0, 'a b') })
      log.answer(log.call({ do: 'streamVersion', stream: 'S-1' }, 'p2'), {
        outcome: 'ok',
        version: 1,
      })
      log.answer(op, { outcome: 'ok', results: [[2, 'p2']] })
    },
  ],
  [
    'APPEND-2',
    'headPosition inside an append',
    (log) => {
      log.append('a b', 0, [2, 'p2']).readAll([
        [1, 'p1', 'a'],
        [2, 'p2', 'b'],
      ])
      log.lines.splice(0, 0)
      const op = log.call({ do: 'append', ...part('S-1', 2, 'c d') })
      log.answer(log.call({ do: 'headPosition' }, 'p2'), { outcome: 'ok', position: 'p3' })
      log.answer(op, { outcome: 'ok', results: [[4, 'p4']] })
      log.readAll([
        [1, 'p1', 'a'],
        [2, 'p2', 'b'],
        [3, 'p3', 'c'],
        [4, 'p4', 'd'],
      ])
    },
  ],
  [
    'APPEND-2',
    'another event stands between two of one append',
    (log) => {
      const one = log.call({ do: 'append', ...part('S-1', 0, 'a b') })
      const two = log.call({ do: 'append', ...part('S-2', 0, 'c') }, 'p2')
      log
        .answer(one, { outcome: 'ok', results: [[2, 'p3']] })
        .answer(two, { outcome: 'ok', results: [[1, 'p2']] })
      log.readAll([
        [1, 'p1', 'a'],
        [1, 'p2', 'c', 'S-2'],
        [2, 'p3', 'b'],
      ])
    },
  ],
  [
    'APPEND-2',
    'only the second of two events is there',
    (log) =>
      log
        .append('a b', 'any', { outcome: 'unknown' })
        .append('c', 'any', { outcome: 'unknown' })
        .readStream([
          [1, 'p1', 'c'],
          [2, 'p2', 'b'],
        ]),
  ],
  [
    'APPEND-3',
    'an event of a refused append',
    (log) =>
      log
        .append('a', 0, [1, 'p1'])
        .conflict('b', 0, 1)
        .readStream([
          [1, 'p1', 'a'],
          [2, 'p2', 'b'],
        ]),
  ],
  [
    'APPEND-3',
    'a refused append has taken an event id',
    (log) =>
      log
        .append('a', 0, [1, 'p1'])
        .conflict('b', 0, 1)
        .append('b', 'any', { outcome: 'fail', code: 'DUPLICATE_EVENT_ID' }),
  ],
  [
    'APPEND-4',
    'a gap between versions',
    (log) =>
      log
        .append('a', 'any', [1, 'p1'])
        .append('b', 'any', { outcome: 'unknown' })
        .append('c', 'any', { outcome: 'unknown' })
        .readStream([
          [1, 'p1', 'a'],
          [3, 'p3', 'c'],
        ]),
  ],
  [
    'APPEND-4',
    'a stream that begins with version 2',
    (log) =>
      log
        .append('a', 'any', { outcome: 'unknown' })
        .append('b', 'any', { outcome: 'unknown' })
        .readStream([[2, 'p1', 'a']]),
  ],
  [
    'APPEND-4',
    'two appends with one version',
    (log) => log.append('a', 'any', [1, 'p1']).append('b', 'any', [1, 'p2']),
  ],
  [
    'APPEND-4',
    'a gap in the order of all',
    (log) => {
      log
        .append('a', 'any', { outcome: 'unknown' })
        .append('b', 'any', { outcome: 'unknown' })
        .append('c', 'any', { outcome: 'unknown' })
      log.readAll([
        [1, 'p1', 'a'],
        [3, 'p3', 'c'],
      ])
    },
  ],
  [
    'APPEND-5',
    'the acknowledged version is another than readers see',
    (log) =>
      log
        .append('a', 'any', [1, 'p1'])
        .append('b', 'any', [3, 'p2'])
        .append('c', 'any', { outcome: 'unknown' })
        .readStream([
          [1, 'p1', 'a'],
          [2, 'p2', 'b'],
        ]),
  ],
  [
    'APPEND-5',
    'the acknowledged position is another than readers see',
    (log) => log.append('a', 0, [1, 'p1']).readAll([[1, 'p7', 'a']]),
  ],
  [
    'APPEND-5',
    'the acknowledged version is less than the number of events',
    (log) => log.append('a b', 'any', [1, 'p1']),
  ],
  [
    'EXPECT-1',
    'a number that did not hold',
    (log) => log.append('a', 0, [1, 'p1']).append('b', 0, [2, 'p2']),
  ],
  ['EXPECT-1', 'a number above the version', (log) => log.append('a', 4, [5, 'p1'])],
  [
    'EXPECT-1',
    'an append of unknown outcome is where it did not expect to be',
    (log) =>
      log
        .append('a', 0, [1, 'p1'])
        .append('b', 0, { outcome: 'unknown' })
        .readStream([
          [1, 'p1', 'a'],
          [2, 'p2', 'b'],
        ]),
  ],
  [
    'EXPECT-2',
    'two appends with one number succeed',
    (log) => {
      const one = log.call({ do: 'append', ...part('S-1', 0, 'a') })
      const two = log.call({ do: 'append', ...part('S-1', 0, 'b') }, 'p2')
      log
        .answer(one, { outcome: 'ok', results: [[1, 'p1']] })
        .answer(two, { outcome: 'ok', results: [[1, 'p2']] })
    },
  ],
  ['EXPECT-3', "'exists' writes the first event", (log) => log.append('a', 'exists', [1, 'p1'])],
  ['EXPECT-3', "'any' is refused", (log) => log.append('a', 0, [1, 'p1']).conflict('b', 'any', 1)],
  [
    'EXPECT-4',
    'a conflict with the very version',
    (log) => log.append('a', 0, [1, 'p1']).conflict('b', 1, 1),
  ],
  [
    'EXPECT-4',
    'a conflict tells a version that was long past',
    (log) => log.append('a', 0, [1, 'p1']).append('b', 1, [2, 'p2']).conflict('c', 0, 1),
  ],
  [
    'EXPECT-4',
    'a conflict tells a version that never was',
    (log) => log.append('a', 0, [1, 'p1']).conflict('c', 0, 7),
  ],
  [
    'EXPECT-4',
    "'exists' is refused on a stream that exists",
    (log) => log.append('a', 0, [1, 'p1']).conflict('c', 'exists', 0),
  ],
  [
    'EXPECT-4',
    'a conflict names another stream',
    (log) =>
      log.append('b', 7, {
        outcome: 'fail',
        code: 'WRONG_EXPECTED_VERSION',
        stream: 'S-9',
        actual: 0,
      }),
  ],
  [
    'IDEM-1',
    'a repeat with a number has another position',
    (log) => log.append('a', 0, [1, 'p1']).append('a', 0, [1, 'p2']),
  ],
  [
    'IDEM-1',
    'a repeat is refused as a conflict',
    (log) => log.append('a', 0, [1, 'p1']).conflict('a', 0, 1),
  ],
  [
    'IDEM-1',
    'a repeat is refused as a duplicate',
    (log) =>
      log.append('a', 0, [1, 'p1']).append('a', 0, { outcome: 'fail', code: 'DUPLICATE_EVENT_ID' }),
  ],
  [
    'IDEM-2',
    "a repeat with 'any' is written again",
    (log) => log.append('a', 'any', [1, 'p1']).append('a', 'any', [2, 'p2']),
  ],
  [
    'IDEM-2',
    "a repeat with 'any' is refused",
    (log) =>
      log
        .append('a', 'any', [1, 'p1'])
        .append('a', 'any', { outcome: 'fail', code: 'DUPLICATE_EVENT_ID' }),
  ],
  [
    'IDEM-3',
    'ids are written again with another number',
    (log) => log.append('a', 0, [1, 'p1']).append('a', 1, [2, 'p2']),
  ],
  [
    'IDEM-3',
    'new and old ids are written together',
    (log) => log.append('a', 0, [1, 'p1']).append('a b', 1, [3, 'p3']),
  ],
  [
    'IDEM-3',
    'a new id is refused as a duplicate',
    (log) => log.append('a', 'any', { outcome: 'fail', code: 'DUPLICATE_EVENT_ID' }),
  ],
  [
    'IDEM-4',
    'one append is there twice',
    (log) =>
      log.append('a', 'any', [2, 'p2']).readStream([
        [1, 'p1', 'a'],
        [2, 'p2', 'a'],
      ]),
  ],
  [
    'MULTI-1',
    'one of two streams is written',
    (log) => {
      const op = log.call({
        do: 'appendToStreams',
        appends: [part('S-1', 0, 'a'), part('S-2', 0, 'b')],
      })
      log
        .answer(op, { outcome: 'unknown' })
        .readStream([[1, 'p1', 'a']])
        .readStream([], { stream: 'S-2' })
    },
  ],
  [
    'MULTI-1',
    'a conflict names a stream that is not written',
    (log) => {
      const op = log.call({
        do: 'appendToStreams',
        appends: [part('S-1', 5, 'a'), part('S-2', 5, 'b')],
      })
      log.answer(op, { outcome: 'fail', code: 'WRONG_EXPECTED_VERSION', stream: 'S-9', actual: 0 })
    },
  ],
  [
    'READ-1',
    'more than the limit',
    (log) =>
      log.append('a b', 0, [2, 'p2']).readStream(
        [
          [1, 'p1', 'a'],
          [2, 'p2', 'b'],
        ],
        { limit: 1 },
      ),
  ],
  [
    'READ-1',
    'backwards in the order of forwards',
    (log) =>
      log.append('a b', 0, [2, 'p2']).readStream(
        [
          [1, 'p1', 'a'],
          [2, 'p2', 'b'],
        ],
        { direction: 'backwards' },
      ),
  ],
  [
    'READ-1',
    'an event of another stream',
    (log) => log.append('a', 0, [1, 'p1'], 'S-2').readStream([[1, 'p1', 'a', 'S-2']]),
  ],
  [
    'READ-1',
    'begins below the version asked for',
    (log) =>
      log.append('a b', 0, [2, 'p2']).readStream(
        [
          [1, 'p1', 'a'],
          [2, 'p2', 'b'],
        ],
        { from: 2 },
      ),
  ],
  [
    'READ-2',
    'a reader does not see what was acknowledged',
    (log) => log.append('a', 0, [1, 'p1']).readStream([]),
  ],
  [
    'READ-2',
    'nor backwards',
    (log) =>
      log
        .append('a', 0, [1, 'p1'])
        .append('b', 1, [2, 'p2'])
        .readStream([[1, 'p1', 'a']], { direction: 'backwards' }),
  ],
  [
    'READ-2',
    'streamVersion does not see what was acknowledged',
    (log) => {
      log.append('a', 0, [1, 'p1'])
      log.answer(log.call({ do: 'streamVersion', stream: 'S-1' }), { outcome: 'ok', version: 0 })
    },
  ],
  [
    'READ-4',
    'the content is another',
    (log) => log.append('a', 0, [1, 'p1']).readStream([[1, 'p1', 'a', 'S-1', '#x']]),
  ],
  [
    'ALL-1',
    'two readers have other events at one position',
    (log) =>
      log
        .append('a', 0, { outcome: 'unknown' })
        .append('b', 0, { outcome: 'unknown' }, 'S-2')
        .readAll([[1, 'p1', 'a']])
        .readAll([[1, 'p1', 'b', 'S-2']]),
  ],
  [
    'ALL-1',
    'one event at two positions',
    (log) =>
      log
        .append('a', 0, { outcome: 'unknown' })
        .readAll([[1, 'p1', 'a']])
        .readAll([[1, 'p2', 'a']]),
  ],
  [
    'ALL-1',
    'a reader is not given the events in the order of their positions',
    (log) =>
      log
        .append('a', 0, [1, 'p1'])
        .append('b', 0, [1, 'p2'], 'S-2')
        .readAll([
          [1, 'p2', 'b', 'S-2'],
          [1, 'p1', 'a'],
        ]),
  ],
  [
    'ALL-1',
    'a reader passes over what another had',
    (log) =>
      log
        .append('a', 0, { outcome: 'unknown' })
        .append('b', 0, { outcome: 'unknown' }, 'S-2')
        .readAll([
          [1, 'p1', 'a'],
          [1, 'p2', 'b', 'S-2'],
        ])
        .readAll([[1, 'p2', 'b', 'S-2']]),
  ],
  [
    'ALL-2',
    'version 2 before version 1',
    (log) => log.append('a', 0, [1, 'p2']).append('b', 1, [2, 'p1']),
  ],
  [
    'ALL-3',
    'what was acknowledged before comes after',
    (log) => log.append('a', 0, [1, 'p2']).append('b', 0, [1, 'p1'], 'S-2'),
  ],
  [
    'ALL-3',
    'an event is read before it was appended',
    (log) => log.readStream([[1, 'p1', 'a']]).append('a', 0, [1, 'p1']),
  ],
  [
    'ALL-4',
    'an event arrives below where a reader has been',
    (log) => {
      const late = log.call({ do: 'append', ...part('S-1', 0, 'a') })
      log.append('b', 0, [1, 'p2'], 'S-2').readAll([[1, 'p2', 'b', 'S-2']])
      log.answer(late, { outcome: 'ok', results: [[1, 'p1']] })
      log.readAll([
        [1, 'p1', 'a'],
        [1, 'p2', 'b', 'S-2'],
      ])
    },
  ],
  [
    'ALL-4',
    'also for a reader with a filter',
    (log) => {
      const late = log.call({ do: 'append', ...part('S-1', 0, 'a') })
      log
        .append('b', 0, [1, 'p2'], 'S-2')
        .readAll([[1, 'p2', 'b', 'S-2']], { filter: { categories: ['S'] } })
      log.answer(late, { outcome: 'ok', results: [[1, 'p1']] }).readAll([
        [1, 'p1', 'a'],
        [1, 'p2', 'b', 'S-2'],
      ])
    },
  ],
  [
    'ALL-4',
    'an event arrives below where a subscription has looked',
    (log) => {
      const late = log.call({ do: 'append', ...part('S-1', 0, 'a') })
      log.append('b', 0, [1, 'p2'], 'S-2')
      const op = log.call({ do: 'subscribeToAll', after: 'start' }, 'p2')
      log.got(op, { events: [[1, 'p2', 'b', 'S-2']] })
      log.answer(late, { outcome: 'ok', results: [[1, 'p1']] }).readAll([
        [1, 'p1', 'a'],
        [1, 'p2', 'b', 'S-2'],
      ])
    },
  ],
  [
    'ALL-4',
    'below a position a reader of all had, an append begins',
    (log) => {
      log.append('b', 0, { outcome: 'unknown' }, 'S-2').readAll([[1, 'p2', 'b', 'S-2']])
      log.append('a', 0, [1, 'p1'])
    },
  ],
  [
    'ALL-5',
    'nothing is in flight, and a reader of all lacks an event',
    (log) => log.append('a', 0, [1, 'p1']).readAll([]),
  ],
  [
    'ALL-5',
    'nor after a quiet time',
    (log) =>
      log
        .append('a', 0, { outcome: 'unknown' })
        .append('b', 0, [1, 'p1'], 'S-2')
        .mark({ t: 'quiet' })
        .readAll([]),
  ],
  [
    'ALL-5',
    'the head lacks an event',
    (log) => {
      log.append('a', 0, [1, 'p1'])
      log.answer(log.call({ do: 'headPosition' }), { outcome: 'ok', position: null })
    },
  ],
  [
    'ALL-7',
    'an event that does not pass the filter',
    (log) => log.append('a', 0, [1, 'p1']).readAll([[1, 'p1', 'a']], { filter: { types: ['B'] } }),
  ],
  [
    'ALL-7',
    'a filter skips',
    (log) =>
      log
        .append('a b', 0, [2, 'p2'])
        .readAll([
          [1, 'p1', 'a'],
          [2, 'p2', 'b'],
        ])
        .readAll([[2, 'p2', 'b']], { filter: { types: ['A', 'B'] } }),
  ],
  [
    'ALL-8',
    'after is inclusive',
    (log) =>
      log
        .append('a', 0, [1, 'p1'])
        .append('b', 1, [2, 'p2'])
        .readAll(
          [
            [1, 'p1', 'a'],
            [2, 'p2', 'b'],
          ],
          { after: 'p1' },
        ),
  ],
  [
    'ALL-8',
    'more than the limit',
    (log) =>
      log.append('a b', 0, [2, 'p2']).readAll(
        [
          [1, 'p1', 'a'],
          [2, 'p2', 'b'],
        ],
        { limit: 1 },
      ),
  ],
  [
    'ERR-2',
    'an append that was said to be unavailable took effect',
    (log) =>
      log.append('a', 0, { outcome: 'fail', code: 'UNAVAILABLE' }).readStream([[1, 'p1', 'a']]),
  ],
  [
    'SUB-1',
    'a subscription gives an event twice',
    (log) => {
      log.append('a', 0, [1, 'p1'])
      const op = log.call({ do: 'subscribeToAll', after: 'start' })
      log.got(op, { events: [[1, 'p1', 'a']] }).got(op, { events: [[1, 'p1', 'a']] })
    },
  ],
  [
    'SUB-1',
    'a subscription skips',
    (log) => {
      log.append('a', 0, [1, 'p1']).append('b', 1, [2, 'p2'])
      log.got(log.call({ do: 'subscribeToAll', after: 'start' }), { events: [[2, 'p2', 'b']] })
    },
  ],
  [
    'SUB-1',
    'a subscription to a stream skips',
    (log) => {
      log.append('a', 0, [1, 'p1']).append('b', 1, [2, 'p2'])
      log.got(log.call({ do: 'subscribeToStream', stream: 'S-1', after: 0 }), {
        events: [[2, 'p2', 'b']],
      })
    },
  ],
  [
    'SUB-1',
    'a subscription from the end gives the past',
    (log) => {
      log.append('a', 0, [1, 'p1'])
      log.got(log.call({ do: 'subscribeToAll', after: 'end' }), { events: [[1, 'p1', 'a']] })
    },
  ],
  [
    'SUB-2',
    'caught up before the head',
    (log) => {
      log.append('a', 0, [1, 'p1'])
      log.got(log.call({ do: 'subscribeToAll', after: 'start' }), { caughtUp: 'p0' })
    },
  ],
  [
    'SUB-2',
    'a subscription to a stream is caught up before its end',
    (log) => {
      log.append('a', 0, [1, 'p1'])
      log.got(log.call({ do: 'subscribeToStream', stream: 'S-1', after: 0 }), { caughtUp: 0 })
    },
  ],
  [
    'SUB-1',
    'progress passes over an event',
    (log) => {
      log.append('a', 0, [1, 'p1']).append('b', 1, [2, 'p2'])
      log.got(log.call({ do: 'subscribeToAll', after: 'start', filter: { types: ['A'] } }), {
        progress: 'p2',
      })
    },
  ],
  [
    'SUB-4',
    'a subscription ends by itself',
    (log) =>
      log.answer(log.call({ do: 'subscribeToAll', after: 'start' }), {
        outcome: 'ok',
        end: 'itself',
      }),
  ],
  [
    'SUB-4',
    'a subscription stands still',
    (log) =>
      log.answer(log.call({ do: 'subscribeToAll', after: 'start' }), {
        outcome: 'ok',
        end: 'stopped',
        stalledMs: 9000,
      }),
  ],
  [
    'SUB-5',
    'resumed, it gives what it gave',
    (log) => {
      log.append('a', 0, [1, 'p1']).append('b', 1, [2, 'p2'])
      log.got(log.call({ do: 'subscribeToAll', after: 'p1' }), {
        events: [
          [1, 'p1', 'a'],
          [2, 'p2', 'b'],
        ],
      })
    },
  ],
  [
    'SUB-5',
    'a position that it gave lies below an event that it gave',
    (log) => {
      log.append('a', 0, [1, 'p1']).append('b', 1, [2, 'p2'])
      log.got(log.call({ do: 'subscribeToAll', after: 'start' }), {
        events: [
          [1, 'p1', 'a'],
          [2, 'p2', 'b'],
        ],
        progress: 'p1',
      })
    },
  ],
  [
    'SUB-5',
    'a subscription to a stream gives what it gave',
    (log) => {
      log.append('a', 0, [1, 'p1']).append('b', 1, [2, 'p2'])
      log.got(log.call({ do: 'subscribeToStream', stream: 'S-1', after: 1 }), {
        events: [[1, 'p1', 'a']],
      })
    },
  ],
  [
    'CHECK-1',
    'a checkpoint goes back',
    (log) => log.save('c', 'p1', null).save('c', 'p2', 'p1').load('c', 'p1'),
  ],
  [
    'CHECK-1',
    'an unconditional save is lost',
    (log) => log.save('c', 'p1', undefined).save('c', 'p2', undefined).load('c', 'p1'),
  ],
  ['CHECK-1', 'a checkpoint is lost', (log) => log.save('c', 'p1', null).load('c', null)],
  ['CHECK-1', 'a checkpoint that nobody saved', (log) => log.load('c', 'p1')],
  [
    'CHECK-1',
    'a refused save is there',
    (log) => log.save('c', 'p1', null).save('c', 'p2', null, false, 'p1').load('c', 'p2'),
  ],
  [
    'CHECK-1',
    'two owners move it from the same place',
    (log) => log.save('c', 'p1', null).save('c', 'p2', 'p1').save('c', 'p3', 'p1'),
  ],
  [
    'CHECK-1',
    'a refusal tells what was long past',
    (log) => log.save('c', 'p1', null).save('c', 'p2', 'p1').save('c', 'p3', 'p7', false, 'p1'),
  ],
  [
    'SNAP-1',
    'an older snapshot replaces a newer one',
    (log) => {
      log.answer(log.call({ do: 'saveSnapshot', stream: 'S-1', version: 2, digest: 'x' }), {
        outcome: 'ok',
      })
      log.answer(log.call({ do: 'saveSnapshot', stream: 'S-1', version: 1, digest: 'y' }), {
        outcome: 'ok',
      })
      log.answer(log.call({ do: 'loadSnapshot', stream: 'S-1' }), {
        outcome: 'ok',
        snapshot: [1, 'y'],
      })
    },
  ],
  [
    'SNAP-1',
    'a snapshot that nobody saved',
    (log) =>
      log.answer(log.call({ do: 'loadSnapshot', stream: 'S-1' }), {
        outcome: 'ok',
        snapshot: [1, 'y'],
      }),
  ],
]

describe('the checker names the rule that a history breaks', () => {
  it.each(broken)('%s: %s', async (rule, _what, write) => {
    const verdict = await verdictOf(write)
    expect(verdict.violations.map((violation) => violation.rule)).toContain(rule)
    expect(verdict.violations.every(({ operations }) => operations.length <= 5)).toBe(true)
  })
})

const sound: [what: string, write: (log: Log) => unknown][] = [
  ['nothing', () => {}],
  [
    'an append of unknown outcome, seen later and not before',
    (log) =>
      log
        .append('a', 0, { outcome: 'unknown' })
        .readStream([])
        .readStream([[1, 'p1', 'a']]),
  ],
  [
    'the answer of a killed process',
    (log) => {
      log.call({ do: 'append', ...part('S-1', 0, 'a') }, 'p2')
      log.mark({ t: 'died', process: 'p2' }).readAll([]).append('b', 0, [1, 'p1'])
    },
  ],
  [
    'a repeat, also by another expectation and after other events',
    (log) =>
      log
        .append('a', 0, [1, 'p1'])
        .append('b', 1, [2, 'p2'])
        .append('a', 0, [1, 'p1'])
        .append('a', 'exists', [1, 'p1']),
  ],
  [
    'a reader of all that sees less while an append is in flight',
    (log) => {
      const op = log.call({ do: 'append', ...part('S-1', 0, 'a') })
      log.append('b', 0, [1, 'p2'], 'S-2').readAll([])
      log.answer(op, { outcome: 'ok', results: [[1, 'p1']] }).readAll([
        [1, 'p1', 'a'],
        [1, 'p2', 'b', 'S-2'],
      ])
    },
  ],
  [
    'a lost snapshot',
    (log) => {
      log.answer(log.call({ do: 'saveSnapshot', stream: 'S-1', version: 2, digest: 'x' }), {
        outcome: 'ok',
      })
      log.answer(log.call({ do: 'loadSnapshot', stream: 'S-1' }), { outcome: 'ok', snapshot: null })
    },
  ],
  [
    'two saves of one position by two owners',
    (log) => log.save('c', 'p1', null).save('c', 'p2', 'p1').save('c', 'p1', 'p2').load('c', 'p1'),
  ],
]

describe('the checker does not blame', () => {
  it.each(sound)('%s', async (_what, write) => {
    expect((await verdictOf(write)).violations).toEqual([])
  })

  it("a store for what its capabilities do not promise: 'any' is written again, ids twice", async () => {
    const write = (log: Log) =>
      log.append('a', 'any', [1, 'p1']).append('a', 'any', [2, 'p2']).append('a', 2, [3, 'p3'])
    expect((await verdictOf(write, weak)).violations).toEqual([])
    expect((await verdictOf(write, strong)).ok).toBe(false)
  })

  it('such a store either, unless it writes more often than it was asked to', async () => {
    const write = (log: Log) =>
      log.append('a', 'any', [1, 'p1']).readStream([
        [1, 'p1', 'a'],
        [2, 'p2', 'a'],
      ])
    expect((await verdictOf(write, weak)).violationsByRule).toHaveProperty('IDEM-4')
  })

  it('anybody for events of streams that are not of the history', async () => {
    const header = {
      annals: 'history',
      version: 1,
      store: 'shared',
      capabilities: strong,
      streamPrefix: 'S',
    }
    const log = new Log().append('a', 0, [1, 'p1']).readAll([
      [4, 'p0', 'x', 'Other-1'],
      [1, 'p1', 'a'],
    ])
    const verdict = await checkHistory([header, ...log.lines].map((line) => JSON.stringify(line)))
    expect(verdict.violations).toEqual([])
  })
})
