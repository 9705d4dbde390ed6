import type { Position } from '@annals/core'
import type { RuleId } from '../rules.js'
import type { HistoryHeader, Micros, SeenEvent } from './format.js'
import type { Operation } from './operation.js'
import { EventTable, type Floor, StreamState } from './tables.js'
import type { Findings } from './violations.js'

/** The log itself is not one that the format allows. It says nothing about the store. */
export class HistoryFormatError extends Error {
  override readonly name = 'HistoryFormatError'
  constructor(
    readonly line: number,
    problem: string,
  ) {
    super(`Line ${line} of the history: ${problem}`)
  }
}

/** A place in the global order that a reader must have reached, and the append that says so. */
export interface Required {
  readonly position: Position
  readonly operation: Operation
}

/** What all checks share while they go through the log. */
export class CheckState {
  readonly events = new EventTable()
  readonly streams = new Map<string, StreamState>()
  readonly appends: Operation[] = []
  /** What saw a stream at a version without an event: `streamVersion`, conflicts. Held against the appends at the end. */
  readonly versionSightings: { operation: Operation; stream: StreamState; version: number }[] = []
  readonly prefix: string

  readonly #effects: { readonly at: Micros; readonly apply: () => void }[] = []
  #applied = 0
  readonly #inFlight = new Set<Operation>()
  /** An append of unknown outcome may still be under way in the database. */
  #inDoubt = false
  #lastAcknowledged: Required | undefined
  /** What the order held at the last moment at which nothing was in flight (ALL-5). */
  required: Required | undefined
  /** The highest position that a reader of all was given before now. */
  highestGiven: Position | undefined

  constructor(
    readonly header: HistoryHeader,
    readonly findings: Findings,
  ) {
    this.prefix = header.streamPrefix ?? ''
  }

  stream(name: string): StreamState {
    let stream = this.streams.get(name)
    if (!stream) {
      stream = new StreamState(name, this.streams.size)
      this.streams.set(name, stream)
    }
    return stream
  }

  /** Done once the clock is past `at`: what ended at that very tick has not surely ended before it. */
  later(at: Micros, apply: () => void): void {
    this.#effects.push({ at, apply })
  }

  advance(now: Micros): void {
    const effects = this.#effects
    while (this.#applied < effects.length && effects[this.#applied]!.at < now) {
      effects[this.#applied++]!.apply()
    }
    if (this.#applied > 4096) {
      effects.splice(0, this.#applied)
      this.#applied = 0
    }
  }

  appendBegan(operation: Operation): void {
    this.#inFlight.add(operation)
  }

  /** An append has ended. `inDoubt`: something of it may still be on its way. */
  appendEnded(operation: Operation, inDoubt: boolean): void {
    this.#inFlight.delete(operation)
    this.#inDoubt ||= inDoubt
    if (operation.outcome === 'ok') {
      for (const { position } of operation.parts) {
        if (position === undefined) continue
        if (!this.#lastAcknowledged || position > this.#lastAcknowledged.position) {
          this.#lastAcknowledged = { position, operation }
        }
      }
    }
    this.#settle()
  }

  quiet(): void {
    this.#inFlight.clear()
    this.#inDoubt = false
    this.#settle()
  }

  #settle(): void {
    if (this.#atRest) this.required = this.#lastAcknowledged
  }

  get #atRest(): boolean {
    return this.#inFlight.size === 0 && !this.#inDoubt
  }

  /** What a stream has surely reached by now. While something is in flight, readers of all may be ahead of its own. */
  floorOf(stream: StreamState): Floor {
    return this.#atRest && stream.shown.version > stream.floor.version ? stream.shown : stream.floor
  }

  raiseFloor(stream: StreamState, version: number, operation: Operation): void {
    if (version > stream.floor.version) stream.floor = { version, operation }
  }

  /** The event of a version; a new one where nobody has spoken of it yet. -1 where others say that it is another. */
  claim(stream: StreamState, version: number, id: string, by: Operation): number {
    const known = stream.events.get(version)
    if (known === undefined) return this.events.add(stream, version, id)
    if (this.events.id[known] === id) return known
    const before = this.events.witness(known)
    this.findings.add(
      conflictRule(before, by),
      `Version ${version} of ${JSON.stringify(stream.name)} is ${this.events.id[known]} to one and ${id} to the other.`,
      before,
      by,
    )
    return -1
  }

  /** Takes in an event that a reader was given. -1 where it contradicts what is known, or is not of this history. */
  observe(seen: SeenEvent, by: Operation, at: Micros, inAll: boolean): number {
    const [name, version, position, id, digest] = seen
    const { events } = this
    let event = events.byPosition.get(position) ?? -1
    if (
      event === -1 ||
      events.version[event] !== version ||
      events.id[event] !== id ||
      events.stream[event]!.name !== name
    ) {
      if (!name.startsWith(this.prefix)) return -1
      event = this.#place(seen, event, by)
      if (event === -1) return -1
    }
    if (events.seenBy[event] === undefined) {
      events.seen[event] = at
      events.seenBy[event] = by
    }
    if (inAll && events.seenInAllBy[event] === undefined) {
      events.seenInAll[event] = at
      events.seenInAllBy[event] = by
      const stream = events.stream[event]!
      if (version > stream.shown.version) {
        this.later(at, () => {
          if (version > stream.shown.version) stream.shown = { version, operation: by }
        })
      }
    }
    const before = events.digest[event]
    if (before === undefined) events.digest[event] = digest
    else if (before !== digest) {
      this.findings.add(
        'READ-4',
        `The content of ${events.name(event)} is ${before} to one reader and ${digest} to another.`,
        events.seenBy[event],
        by,
      )
    }
    return event
  }

  #place([name, version, position, id]: SeenEvent, atPosition: number, by: Operation): number {
    const { events } = this
    if (atPosition !== -1) {
      const sameVersion =
        events.version[atPosition] === version && events.stream[atPosition]!.name === name
      this.findings.add(
        events.seenBy[atPosition] ? 'ALL-1' : sameVersion ? 'APPEND-1' : 'APPEND-5',
        `At position ${position} one has ${events.name(atPosition)} and the other event ${id} (version ${version} of ${JSON.stringify(name)}).`,
        events.witness(atPosition),
        by,
      )
      return -1
    }
    const event = this.claim(this.stream(name), version, id, by)
    if (event === -1) return -1
    return this.setPosition(event, position, by) ? event : -1
  }

  /** Whether an event can stand at a position. */
  setPosition(event: number, position: Position, by: Operation): boolean {
    const { events } = this
    const known = events.position[event]
    if (known === position) return true
    const other = events.byPosition.get(position)
    if (known !== undefined || other !== undefined) {
      const before = events.witness(other ?? event)
      const acks = [before, by].filter((op) => op && op.parts.length > 0).length
      const rule: RuleId =
        acks === 2 && other === undefined ? 'IDEM-1' : acks > 0 ? 'APPEND-5' : 'ALL-1'
      this.findings.add(
        rule,
        other === undefined
          ? `${events.name(event)} is also said to be at position ${position}.`
          : `Position ${position} is said to be of two events: ${events.name(other)} and ${events.name(event)}.`,
        before,
        by,
      )
      return false
    }
    events.position[event] = position
    events.byPosition.set(position, event)
    return true
  }
}

function conflictRule(a: Operation | undefined, b: Operation): RuleId {
  const expected = (op: Operation | undefined) => op?.parts.map((part) => part.expected)
  if (!a || a.parts.length === 0 || b.parts.length === 0) return 'APPEND-1'
  const numbers = expected(a)?.filter((value) => typeof value === 'number') ?? []
  return expected(b)?.some((value) => numbers.includes(value as number)) ? 'EXPECT-2' : 'APPEND-4'
}
