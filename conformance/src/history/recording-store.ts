import {
  type AllMessage,
  type AppendResult,
  type EventReader,
  type EventShape,
  type EventStore,
  type NewEvent,
  newEventId,
  type RecordedEvent,
  type StreamAppend,
  type StreamMessage,
} from '@annals/core'
import { digestOf } from './digest.js'
import type { AppendPart, Request, SeenEvent } from './format.js'
import { failed, failedAppend, failedSave, type Outcome, type Recorder } from './recorder.js'

/** The reason to abort a subscription that stood still although there was more: the log then says so (SUB-4). */
export class Stalled extends Error {
  override readonly name = 'Stalled'
  constructor(readonly milliseconds: number) {
    super(`nothing came for ${milliseconds} ms`)
  }
}

/** Events that a subscription gave are written together, up to so many. */
const deliveriesPerLine = 50

/** The same store, with everything that is done through it written to a history. */
export function recordingStore(store: EventStore, recorder: Recorder): EventStore {
  const call = async <T>(
    request: Request,
    work: () => Promise<T>,
    done: (value: T) => Outcome,
    refused: (error: unknown, retried: boolean) => Outcome = failed,
  ): Promise<T> => {
    const retries = recorder.retries
    const op = recorder.call(request)
    const retried = () => (recorder.retries > retries ? { retried: true } : {})
    let value: T
    try {
      value = await work()
    } catch (error) {
      recorder.returned(op, { ...refused(error, recorder.retries > retries), ...retried() })
      throw error
    }
    recorder.returned(op, { ...done(value), ...retried() })
    return value
  }

  const wrapped: EventStore = {
    get capabilities() {
      return store.capabilities
    },
    get limits() {
      return store.limits
    },
    migrate: (options) => store.migrate(options),

    append: (streamId, events, options) => {
      const made = withIds(events)
      return call(
        {
          do: 'append',
          ...part({ streamId, events: made, expectedVersion: options?.expectedVersion }),
        },
        () => store.append(streamId, made as unknown as typeof events, options),
        (result) => ({ outcome: 'ok', results: [resultOf(result)] }),
        failedAppend,
      )
    },
    appendToStreams: (appends, options) => {
      const made = appends.map((append) => ({ ...append, events: withIds(append.events) }))
      return call(
        { do: 'appendToStreams', appends: made.map(part) },
        () => store.appendToStreams(made, options),
        (results) => ({ outcome: 'ok', results: results.map(resultOf) }),
        failedAppend,
      )
    },

    readStream: <E extends EventShape>(
      streamId: string,
      options: Parameters<EventStore['readStream']>[1] = {},
    ) => {
      const { fromVersion, limit } = options
      const request: Request = {
        do: 'readStream',
        stream: streamId,
        direction: options.direction ?? 'forwards',
        ...(fromVersion === undefined ? {} : { from: fromVersion }),
        ...(limit === undefined ? {} : { limit }),
      }
      return recordedReader<E>(recorder, request, () => store.readStream<E>(streamId, options))
    },
    readAll: <E extends EventShape>(options: Parameters<EventStore['readAll']>[0] = {}) => {
      const { after, limit, filter } = options
      const request: Request = {
        do: 'readAll',
        direction: options.direction ?? 'forwards',
        ...(after === undefined ? {} : { after }),
        ...(limit === undefined ? {} : { limit }),
        ...(filter === undefined ? {} : { filter }),
      }
      return recordedReader<E>(recorder, request, () => store.readAll<E>(options))
    },

    subscribeToAll: <E extends EventShape>(
      options: Parameters<EventStore['subscribeToAll']>[0] = {},
    ) => {
      const { after = 'start', filter, signal } = options
      const request: Request = {
        do: 'subscribeToAll',
        after,
        ...(filter === undefined ? {} : { filter }),
      }
      return recordedSubscription(recorder, request, signal, () => store.subscribeToAll<E>(options))
    },
    subscribeToStream: <E extends EventShape>(
      streamId: string,
      options: Parameters<EventStore['subscribeToStream']>[1] = {},
    ) => {
      const { afterVersion = 0, signal } = options
      const request: Request = { do: 'subscribeToStream', stream: streamId, after: afterVersion }
      return recordedSubscription(recorder, request, signal, () =>
        store.subscribeToStream<E>(streamId, options),
      )
    },

    streamVersion: (streamId, options) =>
      call(
        { do: 'streamVersion', stream: streamId },
        () => store.streamVersion(streamId, options),
        (version) => ({ outcome: 'ok', version }),
      ),
    headPosition: (options) =>
      call(
        { do: 'headPosition' },
        () => store.headPosition(options),
        (position) => ({ outcome: 'ok', position }),
      ),

    checkpoints: {
      load: (subscription, options) =>
        call(
          { do: 'loadCheckpoint', subscription },
          () => store.checkpoints.load(subscription, options),
          (position) => ({ outcome: 'ok', position }),
        ),
      save: (subscription, position, options) =>
        call(
          {
            do: 'saveCheckpoint',
            subscription,
            position,
            ...(options?.expected === undefined ? {} : { expected: options.expected }),
          },
          () => store.checkpoints.save(subscription, position, options),
          () => ({ outcome: 'ok' }),
          failedSave,
        ),
      delete: (subscription, options) =>
        call(
          { do: 'deleteCheckpoint', subscription },
          () => store.checkpoints.delete(subscription, options),
          () => ({ outcome: 'ok' }),
          failedSave,
        ),
    },
    snapshots: {
      load: (streamId, options) =>
        call(
          { do: 'loadSnapshot', stream: streamId },
          () => store.snapshots.load(streamId, options),
          (snapshot) => ({
            outcome: 'ok',
            snapshot: snapshot && ([snapshot.version, digestOf(snapshot.state)] as const),
          }),
        ) as never,
      save: (snapshot, options) =>
        call(
          {
            do: 'saveSnapshot',
            stream: snapshot.streamId,
            version: snapshot.version,
            digest: digestOf(snapshot.state),
          },
          () => store.snapshots.save(snapshot, options),
          () => ({ outcome: 'ok' }),
          failedSave,
        ),
      delete: (streamId, options) =>
        call(
          { do: 'deleteSnapshot', stream: streamId },
          () => store.snapshots.delete(streamId, options),
          () => ({ outcome: 'ok' }),
          failedSave,
        ),
    },
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  }
  return wrapped
}

/** The ids are made here where the caller gives none, because the log needs them before the call. */
function withIds(events: readonly NewEvent[]): NewEvent[] {
  return events.map((event) => ({ ...event, id: (event.id ?? newEventId()).toLowerCase() }))
}

function part({ streamId, events, expectedVersion = 'any' }: StreamAppend): AppendPart {
  return {
    stream: streamId,
    expected: expectedVersion,
    events: events.map(
      ({ id = '', type, data, metadata }) =>
        [id, type, digestOf(type, data, metadata ?? {})] as const,
    ),
  }
}

function resultOf({ version, position }: AppendResult): readonly [number, string] {
  return [version, position]
}

function seen({ streamId, version, position, id, type, data, metadata }: RecordedEvent): SeenEvent {
  return [streamId, version, position, id, digestOf(type, data, metadata)]
}

function recordedReader<E extends EventShape>(
  recorder: Recorder,
  request: Request,
  open: () => EventReader<E>,
): EventReader<E> {
  async function* recorded<T>(
    source: (reader: EventReader<E>) => AsyncIterable<T>,
    eventsOf: (item: T) => readonly RecordedEvent<E>[],
  ): AsyncGenerator<T, void, undefined> {
    const op = recorder.call(request)
    const events: SeenEvent[] = []
    let outcome: Outcome = { outcome: 'ok', end: 'stopped' }
    try {
      for await (const item of source(open())) {
        for (const event of eventsOf(item)) events.push(seen(event as RecordedEvent))
        yield item
      }
      outcome = { outcome: 'ok', end: 'itself' }
    } catch (error) {
      outcome = failed(error)
      throw error
    } finally {
      recorder.returned(op, { ...outcome, events })
    }
  }
  return {
    [Symbol.asyncIterator]: () =>
      recorded(
        (reader) => reader,
        (event) => [event],
      ),
    batches: () =>
      recorded(
        (reader) => reader.batches(),
        (batch) => batch,
      ),
    toArray: async () => {
      const all: RecordedEvent<E>[] = []
      const whole = recorded(
        async function* (reader) {
          yield await reader.toArray()
        },
        (batch: RecordedEvent<E>[]) => batch,
      )
      for await (const batch of whole) all.push(...batch)
      return all
    },
  }
}

async function* recordedSubscription<M extends AllMessage | StreamMessage>(
  recorder: Recorder,
  request: Request,
  signal: AbortSignal | undefined,
  open: () => AsyncIterable<M>,
): AsyncGenerator<M, void, undefined> {
  const op = recorder.call(request)
  let events: SeenEvent[] = []
  const flush = () => {
    if (events.length > 0) recorder.got(op, { events })
    events = []
  }
  let outcome: Outcome = { outcome: 'ok', end: 'stopped' }
  try {
    for await (const message of open()) {
      if (message.kind === 'event') {
        events.push(seen(message.event as RecordedEvent))
        if (events.length >= deliveriesPerLine) flush()
      } else {
        flush()
        if (message.kind === 'progress') recorder.got(op, { progress: message.position })
        else
          recorder.got(op, { caughtUp: 'position' in message ? message.position : message.version })
      }
      yield message
    }
    outcome = { outcome: 'ok', end: 'itself' }
  } catch (error) {
    // Its reader stopped it: that is no failure.
    if (!signal?.aborted) outcome = failed(error)
    throw error
  } finally {
    flush()
    const reason: unknown = signal?.reason
    recorder.returned(op, {
      ...outcome,
      ...(reason instanceof Stalled ? { stalledMs: reason.milliseconds } : {}),
    })
  }
}
