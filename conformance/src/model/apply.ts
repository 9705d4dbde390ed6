import { randomUUID } from 'node:crypto'
import type {
  AllMessage,
  AppendResult,
  EventStore,
  ExpectedVersion,
  Position,
  RecordedEvent,
} from '@annals/core'
import { ascending, equal, fails, ok, type Settled, settle } from '../check.js'
import type { Subject } from '../harness.js'
import { type Command, type Demand, filters, streamIds, types } from './commands.js'
import { Model, type ModelEvent, type NewModelEvent, type Verdict } from './model.js'

interface Attempt {
  readonly streamId: string
  readonly events: readonly NewModelEvent[]
  readonly expected: ExpectedVersion
}

/** Does each command to the store and to the model, and holds the store against the model. */
export class Sequence {
  readonly #model = new Model()
  readonly #attempts: Attempt[] = []
  /** The positions that the store has given, by the number of events up to and including their own. */
  readonly #positions = new Map<number, Position>()
  #store: EventStore
  #spare: EventStore | undefined

  constructor(private readonly subject: Subject) {
    this.#store = subject.store
  }

  async apply(command: Command): Promise<void> {
    switch (command.do) {
      case 'append': {
        const streamId = idOf(command.stream)
        const events = command.events.map((e) => newEvent(types[e.type] ?? 'Placed', e.data))
        return this.#append({ streamId, events, expected: this.#expect(streamId, command.demand) })
      }
      case 'repeat':
        return this.#repeat(command.which, command.demand)
      case 'mix':
        return this.#mix(command.which, command.demand, command.first)
      case 'appendToStreams':
        return this.#appendToStreams(command.parts)
      case 'readStream': {
        const { direction, from, limit } = command
        const streamId = idOf(command.stream)
        this.#same(
          await this.#store.readStream(streamId, { direction, fromVersion: from, limit }).toArray(),
          this.#model.readStream(streamId, direction, from, limit),
          `readStream of ${streamId}`,
        )
        return
      }
      case 'readAll': {
        const { direction, limit } = command
        const filter = filters[command.filter] ?? {}
        const at = this.#place(command.after)
        this.#same(
          await this.#store.readAll({ direction, after: at?.position, limit, filter }).toArray(),
          this.#model.readAll(direction, at?.count, limit, filter),
          `readAll ${direction} after ${at?.count ?? 'nothing'}`,
        )
        return
      }
      case 'heads':
        return this.#heads()
      case 'saveCheckpoint':
        return this.#saveCheckpoint(command.name, command.at, command.expected)
      case 'deleteCheckpoint':
        await this.#store.checkpoints.delete(`reader ${command.name}`)
        this.#model.checkpoints.delete(`reader ${command.name}`)
        return
      case 'saveSnapshot': {
        const { version, state } = command
        const streamId = idOf(command.stream)
        await this.#store.snapshots.save({ streamId, version, state })
        const kept = this.#model.snapshots.get(streamId)
        if (!kept || kept.version <= version)
          this.#model.snapshots.set(streamId, { version, state })
        return this.#snapshot(streamId)
      }
      case 'deleteSnapshot':
        await this.#store.snapshots.delete(idOf(command.stream))
        this.#model.snapshots.delete(idOf(command.stream))
        return this.#snapshot(idOf(command.stream))
      case 'otherHandle': {
        const current = this.#store
        this.#store = this.#spare ?? (await this.subject.openAnother())
        this.#spare = current
        return
      }
      case 'reopen':
        await this.#store.close()
        this.#store = await this.subject.openAnother()
        return
      case 'subscribe':
        return this.#subscribe(command.after, command.filter, command.resumeAt)
      case 'subscribeStream':
        return this.#subscribeStream(idOf(command.stream), command.after)
    }
  }

  /** Everything once more at the end, through a handle of its own. */
  async finish(): Promise<void> {
    const store = await this.subject.openAnother()
    this.#same(await store.readAll().toArray(), this.#model.all, 'all events at the end')
    for (const streamId of streamIds)
      this.#same(
        await store.readStream(streamId).toArray(),
        this.#model.stream(streamId),
        `${streamId} at the end`,
      )
    for (const [name, position] of this.#model.checkpoints)
      equal(await store.checkpoints.load(name), position, `the checkpoint ${name} at the end`)
  }

  #expect(streamId: string, demand: Demand): ExpectedVersion {
    if (demand === 'any' || demand === 'exists') return demand
    const version = this.#model.stream(streamId).length
    return Math.max(0, version + (demand === 'true' ? 0 : demand))
  }

  async #append(attempt: Attempt): Promise<void> {
    const { streamId, events, expected } = attempt
    const verdict = this.#model.decide(streamId, events, expected)
    this.#attempts.push(attempt)
    const outcome = await settle(
      this.#store.append(streamId, events as never, { expectedVersion: expected }),
    )
    await this.#judge(
      verdict,
      outcome,
      `append of ${events.length} to ${streamId} with ${expected}`,
    )
    if (verdict.kind !== 'written') return
    this.#model.write(streamId, events)
    if (outcome.ok) this.#learn(this.#model.all.length, outcome.value.position)
  }

  async #judge(verdict: Verdict, outcome: Settled<AppendResult>, what: string): Promise<void> {
    if (verdict.kind === 'conflict') {
      const error = await fails(fromSettled(outcome), 'WRONG_EXPECTED_VERSION', what)
      equal(error.actual, verdict.actual, `the true version that the conflict of an ${what} tells`)
    } else if (verdict.kind === 'duplicate')
      await fails(fromSettled(outcome), 'DUPLICATE_EVENT_ID', what)
    else {
      if (!outcome.ok) throw outcome.error
      equal(outcome.value.version, verdict.version, `the version of an ${what} (${verdict.kind})`)
    }
  }

  /** Whether the store promises to recognise every id that it has. */
  get #knowsIds(): boolean {
    const { idempotentAny, uniqueEventIds } = this.#store.capabilities
    return idempotentAny === 'always' && uniqueEventIds === 'stream'
  }

  async #repeat(which: number, demand: Demand | 'same'): Promise<void> {
    const attempt = this.#attempts[which % Math.max(1, this.#attempts.length)]
    if (!attempt) return
    const expected = demand === 'same' ? attempt.expected : this.#expect(attempt.streamId, demand)
    const verdict = this.#model.decide(attempt.streamId, attempt.events, expected)
    // What a store with weaker capabilities does here it says in its documentation.
    if (!this.#knowsIds && (typeof expected !== 'number' || verdict.kind === 'duplicate')) return
    await this.#append({ ...attempt, expected })
  }

  async #mix(which: number, demand: Demand, first: boolean): Promise<void> {
    const attempt = this.#attempts[which % Math.max(1, this.#attempts.length)]
    const old = attempt?.events[0]
    if (!attempt || !old || !this.#knowsIds) return
    const fresh = newEvent('Placed', 'mixed')
    await this.#append({
      streamId: attempt.streamId,
      events: first ? [fresh, old] : [old, fresh],
      expected: this.#expect(attempt.streamId, demand),
    })
  }

  async #appendToStreams(parts: readonly { stream: number; demand: Demand }[]): Promise<void> {
    if (!this.#store.capabilities.multiStreamAppend) return
    const appends = parts.map(({ stream, demand }, i) => ({
      streamId: idOf(stream),
      events: [newEvent('Placed', i), newEvent('Shipped', i)],
      expectedVersion: this.#expect(idOf(stream), demand),
    }))
    const verdicts = appends.map((a) => this.#model.decide(a.streamId, a.events, a.expectedVersion))
    const outcome = await settle(this.#store.appendToStreams(appends as never))
    const conflicts = appends.filter((_, i) => verdicts[i]?.kind === 'conflict')
    if (conflicts.length > 0) {
      const error = await fails(
        fromSettled(outcome),
        'WRONG_EXPECTED_VERSION',
        'appendToStreams with a conflict',
      )
      ok(
        conflicts.some((a) => a.streamId === error.streamId),
        'the stream that a conflict of appendToStreams names',
        conflicts.map((a) => a.streamId).join(' or '),
        error.streamId,
      )
      return
    }
    if (!outcome.ok) throw outcome.error
    // The streams' order among each other is the store's choice: read what it has chosen.
    const before = this.#model.all.length
    const last = this.#positions.get(before)
    if (before > 0 && last === undefined) await this.#heads()
    const after = before === 0 ? undefined : this.#positions.get(before)
    const written = await this.#store.readAll({ after }).toArray()
    for (const streamId of new Set(written.map((e) => e.streamId)))
      this.#model.write(streamId, appends.find((a) => a.streamId === streamId)?.events ?? [])
    this.#same(written, this.#model.all.slice(before), 'what appendToStreams has written')
    for (const [i, { streamId }] of appends.entries())
      equal(
        outcome.value[i]?.version,
        this.#model.stream(streamId).length,
        `the version of ${streamId} after appendToStreams`,
      )
  }

  async #heads(): Promise<void> {
    for (const streamId of streamIds)
      equal(
        await this.#store.streamVersion(streamId),
        this.#model.stream(streamId).length,
        `the version of ${streamId}`,
      )
    const head = await this.#store.headPosition()
    if (this.#model.all.length === 0) return equal(head, null, 'headPosition of an empty store')
    ok(typeof head === 'string', 'headPosition', 'a position', head)
    if (head) this.#learn(this.#model.all.length, head)
  }

  async #saveCheckpoint(
    reader: number,
    at: number,
    demanded: 'nothing' | 'true' | 'null' | number,
  ): Promise<void> {
    const name = `reader ${reader}`
    const position = this.#place(at)?.position
    if (position === undefined) return
    const actual = this.#model.checkpoints.get(name) ?? null
    const expected =
      demanded === 'nothing'
        ? undefined
        : demanded === 'true'
          ? actual
          : demanded === 'null'
            ? null
            : this.#place(demanded)?.position
    const save = this.#store.checkpoints.save(name, position, { expected })
    if (expected === undefined || expected === actual) {
      await save
      this.#model.checkpoints.set(name, position)
    } else {
      const error = await fails(save, 'CHECKPOINT_CONFLICT', `a save that expects ${expected}`)
      equal(error.actual, actual, 'the checkpoint that the conflict tells')
    }
    equal(
      await this.#store.checkpoints.load(name),
      this.#model.checkpoints.get(name) ?? null,
      `the checkpoint ${name}`,
    )
  }

  async #snapshot(streamId: string): Promise<void> {
    const kept = this.#model.snapshots.get(streamId)
    const loaded = await this.#store.snapshots.load(streamId)
    equal(loaded?.version, kept?.version, `the version of the snapshot of ${streamId}`)
    if (kept) equal(loaded?.state, asJson(kept.state), `the snapshot of ${streamId}`)
    else equal(loaded, null, `the snapshot of ${streamId}`)
  }

  async #subscribe(
    after: number | undefined,
    filterIndex: number,
    resumeAt: number,
  ): Promise<void> {
    const filter = filters[filterIndex] ?? {}
    const at = this.#place(after)
    const want = this.#model.readAll('forwards', at?.count, undefined, filter)
    const messages: AllMessage[] = []
    for await (const message of this.#store.subscribeToAll({ after: at?.position, filter })) {
      messages.push(message)
      if (message.kind === 'caughtUp') break
    }
    const events = messages.flatMap((m) => (m.kind === 'event' ? [m.event] : []))
    this.#same(events, want, `a subscription after ${at?.count ?? 'the start'}`)

    const place = messages[resumeAt % messages.length]
    if (!place) return
    const given = messages
      .slice(0, messages.indexOf(place) + 1)
      .filter((m) => m.kind === 'event').length
    const rest: RecordedEvent[] = []
    const from = place.kind === 'event' ? place.event.position : place.position
    for await (const message of this.#store.subscribeToAll({ after: from, filter })) {
      if (message.kind === 'caughtUp') break
      if (message.kind === 'event') rest.push(message.event)
    }
    this.#same(rest, want.slice(given), `a subscription resumed from ${place.kind}`)
  }

  async #subscribeStream(streamId: string, afterVersion: number): Promise<void> {
    const stream = this.#model.stream(streamId)
    const from = Math.min(afterVersion, stream.length)
    const events: RecordedEvent[] = []
    for await (const message of this.#store.subscribeToStream(streamId, { afterVersion: from })) {
      if (message.kind === 'caughtUp') {
        equal(message.version, stream.length, `the version that caughtUp of ${streamId} carries`)
        break
      }
      events.push(message.event)
    }
    this.#same(events, stream.slice(from), `a subscription to ${streamId} after ${from}`)
  }

  #place(reference: number | undefined): { count: number; position: Position } | undefined {
    if (reference === undefined) return undefined
    const known = [...this.#positions].sort(([a], [b]) => a - b)
    const entry = known[reference % Math.max(1, known.length)]
    return entry && { count: entry[0], position: entry[1] }
  }

  /** The position of the `count`-th event, which must fit all that are known. */
  #learn(count: number, position: Position): void {
    const known = this.#positions.get(count)
    if (known !== undefined) equal(position, known, `the position of event ${count}`)
    this.#positions.set(count, position)
    ascending(
      [...this.#positions].sort(([a], [b]) => a - b).map(([, p]) => p),
      'the positions given so far, by the order of their events',
    )
  }

  #same(came: readonly RecordedEvent[], want: readonly ModelEvent[], what: string): void {
    equal(
      came.map((e) => `${e.streamId}@${e.version} ${e.id}`),
      want.map((e) => `${e.streamId}@${e.version} ${e.id}`),
      what,
    )
    for (const [i, event] of came.entries()) {
      const { type, data, metadata } = want[i] ?? {}
      equal(
        { type: event.type, data: event.data, metadata: event.metadata },
        { type, data: asJson(data), metadata },
        `${what}: event ${event.streamId}@${event.version}`,
      )
      const count =
        this.#model.all.findIndex((e) => e.id === event.id && e.streamId === event.streamId) + 1
      if (count > 0) this.#learn(count, event.position)
    }
  }
}

function idOf(stream: number): string {
  return streamIds[stream] ?? streamIds[0]
}

function newEvent(type: string, data: unknown): NewModelEvent {
  return { id: randomUUID(), type, data, metadata: { from: 'the model' } }
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function fromSettled<T>(outcome: Settled<T>): Promise<T> {
  return outcome.ok ? Promise.resolve(outcome.value) : Promise.reject(outcome.error)
}
