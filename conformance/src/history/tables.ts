import type { Position } from '@annals/core'
import type { Micros } from './format.js'
import type { Operation } from './operation.js'

/** The attempts to append one list of ids to one stream: they are the same append, repeated. */
export interface AppendGroup {
  readonly stream: StreamState
  readonly ids: readonly string[]
  readonly types: readonly string[]
  readonly digests: readonly string[]
  attempts: readonly AppendPartState[]
  /** Some of its ids also stand in another list, so that it cannot always be told which append wrote them. */
  overlapping: boolean
  /** The versions where a run of these ids was seen to begin. One, unless a repeat was written again. */
  starts: readonly number[]
}

/** One stream's part of one append operation. */
export interface AppendPartState {
  readonly operation: Operation
  readonly group: AppendGroup
  readonly expected: number | 'any' | 'exists'
  /** As acknowledged. */
  version: number | undefined
  position: Position | undefined
}

/** A version that something is sure to have reached by some time. */
export interface Floor {
  readonly version: number
  readonly operation: Operation | undefined
}

export const noFloor: Floor = { version: 0, operation: undefined }

export class StreamState {
  /** The event of each version. */
  readonly events = new Map<number, number>()
  readonly groups: AppendGroup[] = []
  readonly #groupOf = new Map<string, AppendGroup>()
  readonly #furtherGroups = new Map<string, AppendGroup[]>()
  /** The stream was at least here before now. */
  floor: Floor = noFloor
  /** The highest version that readers of all were given. */
  shown: Floor = noFloor
  /** How many events may have been written to it at most. Set at the end. */
  possible = 0
  /** The read that was begun last of those that saw the stream's end. */
  tail: { readonly operation: Operation; readonly version: number } | undefined

  constructor(
    readonly name: string,
    readonly index: number,
  ) {}

  groupsWith(id: string): readonly AppendGroup[] {
    const group = this.#groupOf.get(id)
    if (!group) return []
    const more = this.#furtherGroups.get(id)
    return more ? [group, ...more] : [group]
  }

  /** The group of exactly these ids, new if there is none. */
  group(ids: readonly string[], types: readonly string[], digests: readonly string[]): AppendGroup {
    for (const group of this.groupsWith(ids[0]!)) {
      if (group.ids.length === ids.length && ids.every((id, i) => group.ids[i] === id)) return group
    }
    const group: AppendGroup = {
      stream: this,
      ids,
      types,
      digests,
      attempts: [],
      overlapping: false,
      starts: [],
    }
    this.groups.push(group)
    for (const id of ids) {
      const others = this.groupsWith(id)
      if (others.length === 0) {
        this.#groupOf.set(id, group)
        continue
      }
      group.overlapping = true
      for (const other of others) other.overlapping = true
      this.#furtherGroups.set(id, [...(this.#furtherGroups.get(id) ?? []), group])
    }
    return group
  }
}

/** Every event that anything in the history speaks of, by number. Columns, because there are millions. */
export class EventTable {
  readonly stream: StreamState[] = []
  readonly version: number[] = []
  readonly id: string[] = []
  readonly digest: (string | undefined)[] = []
  readonly position: (Position | undefined)[] = []
  /** When an acknowledgement of it first arrived, and which. */
  readonly acknowledged: Micros[] = []
  readonly acknowledgedBy: (Operation | undefined)[] = []
  /** When a reader of all was first known to have it, and which. */
  readonly seenInAll: Micros[] = []
  readonly seenInAllBy: (Operation | undefined)[] = []
  /** When a reader of any kind was first known to have it, and which. */
  readonly seen: Micros[] = []
  readonly seenBy: (Operation | undefined)[] = []
  readonly byPosition = new Map<Position, number>()
  /** The append that surely wrote it, and at which version that begins. Set at the end. */
  readonly writer: (AppendGroup | undefined)[] = []
  readonly start: number[] = []
  /** Before this it can't have been there: the first attempt that may have written it. Set at the end. */
  readonly begin: Micros[] = []

  get count(): number {
    return this.stream.length
  }

  add(stream: StreamState, version: number, id: string): number {
    const event = this.stream.length
    this.stream.push(stream)
    this.version.push(version)
    this.id.push(id)
    this.digest.push(undefined)
    this.position.push(undefined)
    this.acknowledged.push(Number.POSITIVE_INFINITY)
    this.acknowledgedBy.push(undefined)
    this.seenInAll.push(Number.POSITIVE_INFINITY)
    this.seenInAllBy.push(undefined)
    this.seen.push(Number.POSITIVE_INFINITY)
    this.seenBy.push(undefined)
    stream.events.set(version, event)
    return event
  }

  /** Who says that it is there. */
  witness(event: number): Operation | undefined {
    return this.seenInAllBy[event] ?? this.seenBy[event] ?? this.acknowledgedBy[event]
  }

  /** Whether an append may end with this event; false only where it is sure that it does not. */
  mayEndAppend(event: number): boolean {
    const writer = this.writer[event]
    return !writer || this.version[event] === this.start[event]! + writer.ids.length - 1
  }

  /** Whether both are surely of one append. */
  sameAppend(a: number, b: number): boolean {
    return (
      this.writer[a] !== undefined &&
      this.writer[a] === this.writer[b] &&
      this.start[a] === this.start[b]
    )
  }

  name(event: number): string {
    const position = this.position[event]
    return `event ${this.id[event]} (version ${this.version[event]} of ${JSON.stringify(
      this.stream[event]?.name,
    )}${position === undefined ? '' : ` at ${position}`})`
  }
}
