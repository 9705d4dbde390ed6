import { inspect, isDeepStrictEqual } from 'node:util'
import {
  type ErrorCode,
  type ErrorsByCode,
  isEventStoreError,
  type Position,
  type RecordedEvent,
} from '@annals/core'

/** What a case expected and what came instead. The runner adds the rule and the case. */
export class Violation extends Error {
  constructor(
    readonly what: string,
    readonly expected: unknown,
    readonly actual: unknown,
    options?: { cause?: unknown },
  ) {
    super(`${what}\n  expected: ${show(expected)}\n  came:     ${show(actual)}`, options)
    this.name = 'Violation'
  }
}

/** A value as it stands in a message: whole where it is short. */
export function show(value: unknown): string {
  if (value instanceof Said) return value.text
  const text = inspect(value, { depth: 6, maxArrayLength: 24, maxStringLength: 200, sorted: true })
  const whole = text.length <= 1600
  const shown = whole ? text : `${text.slice(0, 1600)} … (${text.length} characters)`
  return shown.replaceAll('\n', '\n    ')
}

/** An expectation in words, where there is no single value to show. */
class Said {
  constructor(readonly text: string) {}
}

export function said(text: string): unknown {
  return new Said(text)
}

/** Deep equality: JSON values, bytes by content whatever their class. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (!sameValue(actual, expected)) throw new Violation(what, expected, actual)
}

export function sameValue(actual: unknown, expected: unknown): boolean {
  return isDeepStrictEqual(plain(actual), plain(expected))
}

// A Buffer equals a Uint8Array of the same bytes. Everything else is left alone.
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') }
  if (Array.isArray(value)) return value.map(plain)
  return value
}

export function ok(condition: boolean, what: string, expected: string, actual: unknown): void {
  if (!condition) throw new Violation(what, said(expected), actual)
}

/** What of an event a case compares: everything but `recordedAt`. */
export function factsOf(event: RecordedEvent): Omit<RecordedEvent, 'recordedAt'> {
  const { id, streamId, version, position, type, data, metadata } = event
  return { id, streamId, version, position, type, data, metadata }
}

/** The same events in the same order, and nothing else. Says where they part. */
export function sameEvents(
  actual: readonly RecordedEvent[],
  expected: readonly RecordedEvent[],
  what: string,
): void {
  sameOrder(
    actual.map((e) => e.id),
    expected.map((e) => e.id),
    what,
    (id) => {
      const event = [...expected, ...actual].find((e) => e.id === id)
      return event ? `${event.streamId}@${event.version} (${event.position})` : id
    },
  )
  for (const [i, event] of actual.entries()) {
    const want = expected[i]
    if (want)
      equal(factsOf(event), factsOf(want), `${what}: event ${event.streamId}@${event.version}`)
  }
}

/** Recorded events are those that were drafted, in that order. */
export function sameIds(
  actual: readonly RecordedEvent[],
  expected: readonly { readonly id?: string | undefined; readonly data: unknown }[],
  what: string,
): void {
  sameOrder(
    actual.map((e) => e.id),
    expected.map((e) => e.id ?? ''),
    what,
    (id) => {
      const event = actual.find((e) => e.id === id)
      const drafted = expected.find((e) => e.id === id)
      const data = inspect((event ?? drafted)?.data, { breakLength: Number.POSITIVE_INFINITY })
      const where = event ? `${event.streamId}@${event.version} (${event.position})` : 'the event'
      return `${where} with data ${data.slice(0, 80)}`
    },
  )
}

/** The same ids in the same order. Says where they part rather than showing hundreds of ids. */
export function sameOrder(
  actual: readonly string[],
  expected: readonly string[],
  what: string,
  name: (id: string) => string = (id) => id,
): void {
  const seen = new Set<string>()
  for (const id of actual) {
    if (seen.has(id)) throw new Violation(what, said('each event once'), said(`${name(id)} twice`))
    seen.add(id)
  }
  const length = Math.max(actual.length, expected.length)
  for (let i = 0; i < length; i++) {
    const came = actual[i]
    const want = expected[i]
    if (came === want) continue
    const lost = expected.filter((id) => !seen.has(id))
    throw new Violation(
      `${what}: ${actual.length} events came, ${expected.length} were expected; they part at index ${i}`,
      said(want === undefined ? 'the end' : name(want)),
      said(
        `${came === undefined ? 'the end' : name(came)}${
          lost.length > 0
            ? `; missing: ${lost.slice(0, 5).map(name).join(', ')}${lost.length > 5 ? ` and ${lost.length - 5} more` : ''}`
            : ''
        }`,
      ),
    )
  }
}

export function ascending(positions: readonly Position[], what: string): void {
  for (let i = 1; i < positions.length; i++) {
    const before = positions[i - 1] as Position
    const here = positions[i] as Position
    if (!(before < here))
      throw new Violation(
        `${what}: position ${i} of ${positions.length}`,
        said(`something above ${before} as a plain string`),
        here,
      )
  }
}

/** Versions 1, 2, 3 … */
export function gapless(events: readonly RecordedEvent[], what: string): void {
  equal(
    events.map((e) => e.version),
    events.map((_, i) => i + 1),
    `${what}: versions`,
  )
}

/** The call fails with one of the codes, as an `EventStoreError`; the error is returned for a closer look. */
export async function fails<C extends ErrorCode>(
  call: (() => unknown) | PromiseLike<unknown>,
  code: C | readonly C[],
  what: string,
): Promise<ErrorsByCode[C]> {
  const codes: readonly ErrorCode[] = typeof code === 'string' ? [code] : code
  let value: unknown
  try {
    value = await (typeof call === 'function' ? call() : call)
  } catch (error) {
    if (!isEventStoreError(error))
      throw new Violation(what, said(`an EventStoreError with code ${codes.join(' or ')}`), error, {
        cause: error,
      })
    if (!codes.includes(error.code))
      throw new Violation(
        what,
        said(`an error with code ${codes.join(' or ')}`),
        said(`${error.code}: ${error.message}`),
        { cause: error },
      )
    return error as ErrorsByCode[C]
  }
  throw new Violation(what, said(`an error with code ${codes.join(' or ')}`), value)
}

/** What became of a call, for cases in which several outcomes are right. */
export type Settled<T> = { ok: true; value: T } | { ok: false; error: unknown }

export function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  )
}
