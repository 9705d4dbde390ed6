import type {
  HistoryHeader,
  HistoryLine,
  Request,
  ReturnLine,
  SeenEvent,
} from '../../src/history/format.js'
import { Random } from '../../src/history/random.js'
import { strong } from './simulated-history.js'

/**
 * The lines of a long history, as text and without keeping them: 16 processes, half appends, reads of some ten events,
 * one subscription that gets everything. Made much faster than `simulateHistory` can, and much less varied.
 */
export function* longHistory(operations: number, seed = 1): Generator<string, void, undefined> {
  const random = new Random(seed)
  const header: HistoryHeader = {
    annals: 'history',
    version: 1,
    store: 'made up',
    capabilities: strong,
    seed,
  }
  yield JSON.stringify(header)
  const log: SeenEvent[] = []
  const streams: SeenEvent[][] = Array.from({ length: 5000 }, () => [])
  const open: { op: string; answer: Omit<ReturnLine, 't' | 'op' | 'at'> }[] = []
  let at = 1_000_000
  let delivered = 0
  const line = (value: HistoryLine) => JSON.stringify(value)
  yield line({ t: 'call', op: 'sub', process: 'sub', at, do: 'subscribeToAll', after: 'start' })
  for (let n = 0; n < operations - 1; n++) {
    at += random.below(20)
    const op = `p${n % 16}:${n}`
    const number = random.below(streams.length)
    const stream = `Order-${number}`
    const stored = streams[number]!
    let request: Request
    let answer: Omit<ReturnLine, 't' | 'op' | 'at'>
    const kind = random.below(100)
    if (kind < 50) {
      const count = random.pick([1, 1, 1, 2, 3])
      const first = stored.length
      for (let i = 0; i < count; i++) {
        const position = `mem1-${String(log.length + 1).padStart(16, '0')}`
        const event: SeenEvent = [
          stream,
          stored.length + 1,
          position,
          random.uuid(),
          `d${log.length}`,
        ]
        stored.push(event)
        log.push(event)
      }
      const last = stored[stored.length - 1]!
      request = {
        do: 'append',
        stream,
        expected: random.chance(0.5) ? first : 'any',
        events: stored
          .slice(first)
          .map(([, , , id, digest]) => [id, 'OrderPlaced', digest] as const),
      }
      // Some answers are lost; what they wrote is seen later.
      answer = random.chance(0.02)
        ? { outcome: 'unknown', code: 'UNKNOWN_OUTCOME' }
        : { outcome: 'ok', results: [[last[1], last[2]]] }
    } else if (kind < 80) {
      const from = Math.max(1, stored.length - random.below(20))
      request = { do: 'readStream', stream, direction: 'forwards', from }
      answer = { outcome: 'ok', events: stored.slice(from - 1), end: 'itself' }
    } else if (kind < 97) {
      const from = Math.max(0, log.length - random.below(20))
      const after = log[from - 1]?.[2]
      request = { do: 'readAll', direction: 'forwards', ...(after ? { after } : {}) }
      answer = { outcome: 'ok', events: log.slice(from), end: 'itself' }
    } else {
      request = { do: 'streamVersion', stream }
      answer = { outcome: 'ok', version: stored.length }
    }
    yield line({ t: 'call', op, process: `p${n % 16}`, at, ...request })
    open.push({ op, answer })
    if (open.length >= 16) {
      const { op: ended, answer: given } = open.shift()!
      yield line({ t: 'return', op: ended, at: ++at, ...given })
    }
    if (log.length - delivered >= 100) {
      yield line({ t: 'got', op: 'sub', at: ++at, events: log.slice(delivered) })
      delivered = log.length
    }
  }
  for (const { op, answer } of open) yield line({ t: 'return', op, at: ++at, ...answer })
}
