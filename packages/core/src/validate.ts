import type { AppendRequest, EncodedEvent, StoreDriver } from './driver.js'
import { InvalidArgumentError, quote, TooLargeError } from './errors.js'
import type { Direction } from './event-store.js'
import type { NewEvent, Position } from './events.js'
import type { ExpectedVersion } from './expected-version.js'
import type { Filter } from './filter.js'
import { isUuid, newEventId } from './ids.js'
import { type Limits, maxNameBytes } from './limits.js'
import { encodeObject, encodePayload, payloadBytes } from './payload.js'

const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/
const loneSurrogate = /\p{Surrogate}/u

/** Everything that is refused before anything is sent is refused here, once for all stores. */
export function checkStreamId(streamId: unknown, limits: Limits): asserts streamId is string {
  checkName(streamId, 'streamId', 'maxStreamIdBytes', limits.maxStreamIdBytes)
  if (streamId.startsWith('$')) {
    throw new InvalidArgumentError(
      'streamId',
      `must not start with "$", which some databases keep for themselves: ${quote(streamId)}`,
    )
  }
}

export function checkSubscriptionId(id: unknown): asserts id is string {
  checkName(id, 'subscriptionId', 'maxNameBytes', maxNameBytes)
}

function checkName(
  value: unknown,
  argument: string,
  limit: string,
  maxBytes: number,
): asserts value is string {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidArgumentError(argument, 'must be a string that is not empty')
  }
  if (controlCharacter.test(value)) {
    throw new InvalidArgumentError(argument, `must not hold control characters: ${quote(value)}`)
  }
  if (loneSurrogate.test(value)) {
    throw new InvalidArgumentError(argument, `must be well-formed Unicode: ${quote(value)}`)
  }
  const bytes = Buffer.byteLength(value)
  if (bytes > maxBytes) {
    throw new TooLargeError(`${argument} ${quote(value)}`, limit, bytes, maxBytes)
  }
}

export function checkExpectedVersion(value: unknown): ExpectedVersion {
  if (value === undefined || value === 'any') return 'any'
  if (value === 'exists' || isVersion(value, 0)) return value
  throw new InvalidArgumentError(
    'expectedVersion',
    `must be 'any', 'exists' or a whole number from 0, not ${show(value)}`,
  )
}

export function checkFromVersion(value: unknown): asserts value is number | undefined {
  if (value === undefined || isVersion(value, 1)) return
  throw new InvalidArgumentError(
    'fromVersion',
    `must be a whole number from 1 (it is inclusive), not ${show(value)}`,
  )
}

export function checkAfterVersion(value: unknown): asserts value is number | 'end' {
  if (value === 'end' || isVersion(value, 0)) return
  throw new InvalidArgumentError(
    'afterVersion',
    `must be 'end' or a whole number from 0 (it is exclusive), not ${show(value)}`,
  )
}

export function checkSnapshotVersion(value: unknown): asserts value is number {
  if (isVersion(value, 1)) return
  throw new InvalidArgumentError(
    'snapshot.version',
    `must be a whole number from 1, not ${show(value)}`,
  )
}

function isVersion(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least
}

/** The limit as drivers take it: `Infinity` where there is none. */
export function checkLimit(value: unknown): number {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
  if (isVersion(value, 0)) return value
  throw new InvalidArgumentError('limit', `must be a whole number from 0, not ${show(value)}`)
}

export function checkDirection(value: unknown): Direction {
  if (value === undefined || value === 'forwards') return 'forwards'
  if (value === 'backwards') return value
  throw new InvalidArgumentError(
    'direction',
    `must be 'forwards' or 'backwards', not ${show(value)}`,
  )
}

export function checkPosition(
  value: unknown,
  driver: StoreDriver,
  argument: string,
): asserts value is Position {
  if (typeof value === 'string' && driver.positionPattern.test(value)) return
  throw new InvalidArgumentError(
    argument,
    `is not a position of this store (${driver.name}): ${show(value)}. Positions of one store mean nothing to another; start from a position that this store gave.`,
  )
}

/** A filter with nothing but the lists that select, or null where everything passes. */
export function checkFilter(value: unknown): Filter | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'object') {
    throw new InvalidArgumentError('filter', `must be an object, not ${show(value)}`)
  }
  const known = ['categories', 'streamPrefixes', 'types'] as const
  const unknown = Object.keys(value).find((key) => !(known as readonly string[]).includes(key))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `filter.${unknown}`,
      `is not a part of a filter; there are ${known.join(', ')}`,
    )
  }
  const filter: Record<string, readonly string[]> = {}
  for (const key of known) {
    const list: unknown = (value as Filter)[key]
    if (list === undefined) continue
    if (!Array.isArray(list) || list.length === 0) {
      throw new InvalidArgumentError(
        `filter.${key}`,
        'must be a list that is not empty; leave it out to select everything',
      )
    }
    for (const item of list) {
      if (typeof item !== 'string' || item === '' || controlOrMalformed(item)) {
        throw new InvalidArgumentError(
          `filter.${key}`,
          `must hold well-formed strings that are not empty, not ${show(item)}`,
        )
      }
    }
    filter[key] = [...new Set(list as string[])]
  }
  return Object.keys(filter).length > 0 ? filter : null
}

function controlOrMalformed(text: string): boolean {
  return controlCharacter.test(text) || loneSurrogate.test(text)
}

/** Validates and encodes one stream's part of an append. */
export function encodeAppend(
  streamId: unknown,
  events: readonly NewEvent[],
  expectedVersion: unknown,
  limits: Limits,
): AppendRequest {
  checkStreamId(streamId, limits)
  const expected = checkExpectedVersion(expectedVersion)
  if (!Array.isArray(events) || events.length === 0) {
    throw new InvalidArgumentError(
      'events',
      `must be a list of at least one event (append to stream ${quote(streamId)})`,
    )
  }
  if (events.length > limits.maxAppendEvents) {
    throw new TooLargeError(
      `The append to stream ${quote(streamId)}`,
      'maxAppendEvents',
      events.length,
      limits.maxAppendEvents,
    )
  }
  const ids = new Set<string>()
  let bytes = 0
  const encoded = events.map((event: NewEvent, index) => {
    const one = encodeEvent(event, index, limits)
    if (ids.has(one.id)) {
      throw new InvalidArgumentError(`events[${index}].id`, `is in this append twice: ${one.id}`)
    }
    ids.add(one.id)
    bytes += one.bytes
    return one
  })
  checkAppendBytes(`The append to stream ${quote(streamId)}`, bytes, limits)
  return { streamId, events: encoded, expected, bytes }
}

export function checkAppendBytes(what: string, bytes: number, limits: Limits): void {
  if (bytes > limits.maxAppendBytes) {
    throw new TooLargeError(what, 'maxAppendBytes', bytes, limits.maxAppendBytes)
  }
}

function encodeEvent(event: NewEvent, index: number, limits: Limits): EncodedEvent {
  const at = `events[${index}]`
  if (typeof event !== 'object' || event === null) {
    throw new InvalidArgumentError(at, `must be an event, not ${show(event)}`)
  }
  const { type, data, metadata, id } = event
  checkName(type, `${at}.type`, 'maxNameBytes', maxNameBytes)
  if (type.startsWith('$')) {
    throw new InvalidArgumentError(
      `${at}.type`,
      `must not start with "$", which some databases keep for themselves: ${quote(type)}`,
    )
  }
  if (id !== undefined && !isUuid(id)) {
    throw new InvalidArgumentError(`${at}.id`, `must be a UUID, not ${show(id)}`)
  }
  const encodedData = encodePayload(data)
  if ('problem' in encodedData) {
    throw new InvalidArgumentError(
      `${at}.data${encodedData.problem.path}`,
      encodedData.problem.text,
    )
  }
  const encodedMetadata = metadata === undefined ? { text: '{}' } : encodeObject(metadata)
  if ('problem' in encodedMetadata) {
    throw new InvalidArgumentError(
      `${at}.metadata${encodedMetadata.problem.path}`,
      encodedMetadata.problem.text,
    )
  }
  const bytes =
    payloadBytes(encodedData.payload) +
    Buffer.byteLength(encodedMetadata.text) +
    Buffer.byteLength(type)
  if (bytes > limits.maxEventBytes) {
    throw new TooLargeError(`${at} (${quote(type)})`, 'maxEventBytes', bytes, limits.maxEventBytes)
  }
  return {
    id: id === undefined ? newEventId() : id.toLowerCase(),
    type,
    data: encodedData.payload,
    metadata: encodedMetadata.text,
    bytes,
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list' : 'an object'
  return String(value)
}
