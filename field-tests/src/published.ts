import {
  type AllBatch,
  type AllQuery,
  type AppendRequest,
  type AppendResult,
  type Capabilities,
  type EncodedEvent,
  EventStoreError,
  matchesFilter,
  type Position,
  type StoreDriver,
  type StoredEvent,
  UnavailableError,
  UnsupportedError,
  WrongExpectedVersionError,
} from '@annals/core'

/** An event as a published store gets it: core's text is made values again, because these stores take values. */
export interface PlainEvent {
  readonly id: string
  readonly type: string
  readonly data: unknown
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface Page {
  readonly events: readonly StoredEvent[]
  /** Where the next page begins. */
  readonly next: Position
  readonly atHead: boolean
}

/**
 * A published store in the words of this workspace. It translates and nothing else: it neither retries nor checks nor
 * mends. What the store does not offer throws `notOffered`.
 */
export interface Published {
  readonly name: string
  readonly capabilities?: Partial<Capabilities>
  /** Whether the store offers appends without an expectation. Where not, a version is looked up for them. */
  readonly offersAny: boolean
  /** What its positions look like. */
  readonly positionPattern: RegExp
  /** Precedes every event. */
  readonly origin: Position
  append(
    streamId: string,
    expected: AppendRequest['expected'],
    events: readonly PlainEvent[],
  ): Promise<AppendResult>
  appendMany?(
    appends: readonly {
      readonly streamId: string
      readonly expected: AppendRequest['expected']
      readonly events: readonly PlainEvent[]
    }[],
  ): Promise<readonly AppendResult[]>
  /** The events from a version on (1 is the first), at most so many. */
  readStream(streamId: string, from: number, limit: number): Promise<readonly StoredEvent[]>
  /** The same backwards from a version (undefined: the last). Where it is missing, see `wholeStreamBackwards`. */
  readStreamBackwards?(
    streamId: string,
    from: number | undefined,
    limit: number,
  ): Promise<readonly StoredEvent[]>
  /** The page that follows a position, forwards, without a filter. */
  readAll(after: Position): Promise<Page>
  streamVersion(streamId: string): Promise<number>
  head(): Promise<Position | null>
  close(): Promise<void>
}

/**
 * 'strict': each call of the suite is one call of the store. 'patient': an append without an expectation that meets a
 * conflict is made again, as an application would, and the head is found by reading to it, so that a rule about reading
 * or order does not fail for what another rule has found.
 */
export type Manner = 'strict' | 'patient'

/** For what the store's documentation does not speak of, or says is not there. */
export function notOffered(what: string): never {
  throw new UnsupportedError(what, 'nothing; this published store does not offer it.')
}

const unlimited = {
  maxEventBytes: 64 * 1024 * 1024,
  maxAppendBytes: 256 * 1024 * 1024,
  maxAppendEvents: 1_000_000,
  maxStreamIdBytes: 65_536,
}

/** A driver over a published store. Its failures are final: what these stores do not retry is not retried for them. */
export function publishedDriver(store: Published, manner: Manner): StoreDriver {
  return {
    name: store.name,
    capabilities: {
      multiStreamAppend: store.appendMany !== undefined,
      idempotentAny: 'bestEffort',
      uniqueEventIds: 'none',
      persistence: 'durable',
      ...store.capabilities,
    },
    limits: unlimited,
    positionPattern: store.positionPattern,
    origin: store.origin,
    polling: { min: 5, max: 50 },

    append: async ({ streamId, expected, events }) => {
      const drafts = events.map(plain)
      return byManner(store, manner, expected === 'any', () =>
        store.append(streamId, expected, drafts),
      )
    },
    ...(store.appendMany && {
      appendMany: async (requests: readonly AppendRequest[]) => {
        const appends = requests.map(({ streamId, expected, events }) => ({
          streamId,
          expected,
          events: events.map(plain),
        }))
        return byManner(
          store,
          manner,
          requests.every(({ expected }) => expected === 'any'),
          async () => store.appendMany?.(appends) ?? [],
        )
      },
    }),
    async *readStream({ streamId, direction, fromVersion, limit }) {
      const backwards = store.readStreamBackwards ?? wholeStreamBackwards(store)
      const events =
        direction === 'forwards'
          ? await store.readStream(streamId, fromVersion ?? 1, limit)
          : await backwards(streamId, fromVersion, limit)
      if (events.length > 0) yield events
    },
    readAll: (query) => readAll(store, query),
    streamVersion: (streamId) => store.streamVersion(streamId),
    headPosition: () => (manner === 'patient' ? lastOf(store) : store.head()),
    loadCheckpoint: async () => notOffered('checkpoints apart from its own consumers'),
    saveCheckpoint: async () => notOffered('checkpoints apart from its own consumers'),
    deleteCheckpoint: async () => notOffered('checkpoints apart from its own consumers'),
    loadSnapshot: async () => notOffered('snapshots'),
    saveSnapshot: async () => notOffered('snapshots'),
    deleteSnapshot: async () => notOffered('snapshots'),
    async migrate() {},
    close: () => store.close(),
    translateError: (error) => ({
      error:
        error instanceof EventStoreError
          ? error
          : new UnavailableError(`${store.name} failed: ${String(error)}`, { cause: error }),
      retryable: false,
      outcomeUnknown: false,
    }),
  }
}

async function byManner<R>(
  store: Published,
  manner: Manner,
  any: boolean,
  append: () => Promise<R>,
): Promise<R> {
  for (;;) {
    try {
      return await append()
    } catch (error) {
      if (!any || !(error instanceof WrongExpectedVersionError)) throw error
      if (manner === 'patient') continue
      if (!store.offersAny) notOffered('an append without a version')
      throw error
    }
  }
}

async function lastOf(store: Published): Promise<Position | null> {
  let last: Position | null = null
  for (let place = store.origin, atHead = false; !atHead; ) {
    const page = await store.readAll(place)
    last = page.events.at(-1)?.position ?? last
    place = page.next
    atHead = page.atHead
  }
  return last
}

function plain(event: EncodedEvent): PlainEvent {
  if (typeof event.data !== 'string') notOffered('bytes as data')
  return {
    id: event.id,
    type: event.type,
    data: JSON.parse(event.data),
    metadata: JSON.parse(event.metadata),
  }
}

/**
 * Few of these stores read backwards. Many cases look at a stream from its end to see what happened to it, so it is
 * read whole and turned around; nothing is said about reading backwards by a store that does not offer it.
 */
function wholeStreamBackwards(store: Published): NonNullable<Published['readStreamBackwards']> {
  return async (streamId, from, limit) => {
    const events = await store.readStream(streamId, 1, Number.POSITIVE_INFINITY)
    return events
      .filter((event) => event.version <= (from ?? Number.POSITIVE_INFINITY))
      .reverse()
      .slice(0, limit)
  }
}

/** The same for all events: none of these stores reads them backwards. */
async function* allBackwards(
  store: Published,
  { after, limit, filter }: AllQuery,
): AsyncGenerator<AllBatch, void, undefined> {
  const all: StoredEvent[] = []
  for (let place = store.origin, atHead = false; !atHead; ) {
    const page = await store.readAll(place)
    all.push(...page.events)
    place = page.next
    atHead = page.atHead
  }
  const passed = all
    .filter((event) => matchesFilter(filter, event) && (after === null || event.position < after))
    .reverse()
  const events = passed.slice(0, limit)
  const cut = events.length < passed.length ? events.at(-1) : undefined
  yield { events, scannedTo: cut?.position ?? store.origin, atHead: cut === undefined }
}

async function* readAll(
  store: Published,
  query: AllQuery,
): AsyncGenerator<AllBatch, void, undefined> {
  if (query.direction === 'backwards') return yield* allBackwards(store, query)
  const { after, limit, filter } = query
  let place = after ?? store.origin
  let left = limit
  for (;;) {
    const page = await store.readAll(place)
    const passed = page.events.filter((event) => matchesFilter(filter, event))
    const events = passed.slice(0, left)
    const cut = events.length < passed.length ? events.at(-1) : undefined
    place = cut?.position ?? page.next
    left -= events.length
    yield { events, scannedTo: place, atHead: page.atHead && cut === undefined }
    if (page.atHead || left === 0) return
  }
}

/** What an event is to core, from what a published store gives. A store without a time gives the epoch. */
export function stored(
  event: Omit<StoredEvent, 'data' | 'metadata' | 'recordedAt'> & {
    readonly data: unknown
    readonly metadata: unknown
    readonly recordedAt?: Date
  },
): StoredEvent {
  return {
    ...event,
    // A payload that the store lost is none; core then says that the event is corrupt.
    data: JSON.stringify(event.data) as string,
    metadata: JSON.stringify(event.metadata ?? {}),
    recordedAt: event.recordedAt ?? new Date(0),
  }
}

/** A position that sorts as the number does. */
export function numbered(tag: string) {
  return {
    positionPattern: new RegExp(`^${tag}-\\d{20}$`),
    origin: `${tag}-${'0'.repeat(20)}`,
    at: (n: number | bigint | string): Position => `${tag}-${n.toString().padStart(20, '0')}`,
    of: (position: Position): bigint => BigInt(position.slice(tag.length + 1)),
  }
}
