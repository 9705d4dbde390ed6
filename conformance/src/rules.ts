/**
 * Every rule of the contract, by its id. `docs/contract.md` says the same in the same words; a test holds the two
 * together.
 */

export const sections = [
  'Append',
  'Read',
  'Subscribe',
  'Checkpoints and snapshots',
  'Limits, errors, life',
] as const

export type Section = (typeof sections)[number]

const append = {
  'APPEND-1': 'An acknowledged append is durable and is never lost, changed or renumbered.',
  'APPEND-2':
    'The events of one append become visible all at once, in order, with consecutive versions, and adjacent in the global order.',
  'APPEND-3':
    'A rejected append leaves nothing behind: no event, no version, no event id taken, no later effect.',
  'APPEND-4':
    'Versions have no gaps and no duplicates, whatever mixture of writers, conflicts and crashes produced them.',
  'APPEND-5': '`{ version, position }` are those of the append’s last event.',
  'APPEND-6':
    'An empty list, a malformed id, type, data or metadata, or two equal ids in one append is refused (INVALID_ARGUMENT) before anything is sent.',
  'EXPECT-1':
    'A number n succeeds only if the stream’s version is n at the moment of the append. n above the version is a conflict too.',
  'EXPECT-2':
    'Of any number of concurrent appends of different events with the same number, exactly one succeeds.',
  'EXPECT-3':
    '`exists` succeeds only on a stream with at least one event. `any` never conflicts: twenty parallel `any` appends to one stream all succeed.',
  'EXPECT-4':
    'A conflict is a `WrongExpectedVersionError` with the stream id, what was expected and the true version; only a conflict is reported as one (an outage is not).',
  'IDEM-1':
    'Repeating an append with the same event ids and the same numeric `expectedVersion` writes nothing and returns the first result, however long after, from whichever connection, and also when other events followed.',
  'IDEM-2':
    'The same holds for `any` and `exists` where `capabilities.idempotentAny` is `always`; where it is `bestEffort` the store’s documentation says when it fails, and a repeat that is not recognised is written whole.',
  'IDEM-3':
    'The same ids with another numeric `expectedVersion` that does not hold are a conflict, never a success. Where `capabilities.uniqueEventIds` is `stream`, an id that is already in the stream is refused (DUPLICATE_EVENT_ID) even when the expectation holds, and so is an append that mixes old and new ids; where it is `none` (a server that checks ids only when the expectation fails) the store’s documentation says so.',
  'IDEM-4':
    'A connection cut after the commit and before the answer, followed by the store’s own or the caller’s retry, has exactly one effect, and the true result is returned (for `any` and `exists` as far as IDEM-2 promises).',
  'MULTI-1':
    'Where `capabilities.multiStreamAppend` is on, an append to several streams is all or nothing, with an expectation for each stream; a conflict names its stream.',
} as const

const read = {
  'READ-1':
    'A stream reads forwards from any version and backwards from any version, with a limit, with exactly the same meaning on each store: `fromVersion` is inclusive in both directions (default: the first, backwards the last event), `limit` 0 gives nothing. A stream that was never written reads as empty.',
  'READ-2':
    'Once an append is acknowledged, each reader of that stream sees it, from any connection.',
  'READ-3':
    'A read takes bounded memory however long the stream, and stops its work in the database when the consumer stops or aborts.',
  'READ-4':
    'Data comes back equal: any JSON value (null, 0, false, "", nested, U+0000, lone surrogates, `__proto__` keys, digit strings, 2^53-1, 1e308) or bytes; metadata any JSON object. Key order is not promised. What the caller does to a value that it gave or got changes nothing in the store.',
  'ALL-1':
    'There is one global order. Two reads of it, at any time, from any client, agree on the order of any two events.',
  'ALL-2': 'The order agrees with each stream’s versions.',
  'ALL-3':
    'The order agrees with real time: an append acknowledged before another was begun comes first.',
  'ALL-4':
    '**Nothing arrives late.** Once a reader has been given position p, no event with a position below p ever appears.',
  'ALL-5':
    'When no append is in flight, the order holds every acknowledged event. A writer that died cannot hide others’ events for longer than the store’s stated bound.',
  'ALL-6':
    'Work outside the store (a long transaction in another table or database of the same server) does not delay readers.',
  'ALL-7':
    'Filters select by category, stream prefix and type, run in the database where it can, and never change order or skip.',
  'ALL-8':
    '`after` is exclusive in both directions: forwards what is above it, backwards what is below it. Positions are JSON-safe, sort as plain strings as their events do, and one of another kind is refused (INVALID_ARGUMENT). In an empty store `headPosition()` is null, and `caughtUp` carries a position that precedes every event.',
} as const

const subscribe = {
  'SUB-1':
    'A subscription gives each matching event once, in order, first the past, then the present, across the switch from one to the other.',
  'SUB-2':
    '`caughtUp` comes each time the subscription reaches the head. `progress` comes at bounded intervals while a filter lets nothing through, so that a checkpoint can advance.',
  'SUB-3':
    'A slow consumer slows the subscription and bounds its memory; it neither loses events nor disconnects.',
  'SUB-4':
    'A lost connection is re-established and the subscription goes on after the last event given; a failure that is final ends the iteration with an error. It never dies silently.',
  'SUB-5': 'Resumed from any position that it gave, a subscription goes on with the next event.',
  'SUB-6': 'Ending the iteration, the signal or `close()` releases everything at once.',
} as const

const keep = {
  'CHECK-1':
    'A checkpoint save is durable, atomic, and may demand the previous value (compare and set); a stale owner’s save is refused (CHECKPOINT_CONFLICT).',
  'SNAP-1':
    'A snapshot is kept with the version it was taken at; an older one never replaces a newer one. A lost or unreadable snapshot costs time, never correctness.',
} as const

const life = {
  'LIMIT-1':
    "The *portable envelope* (event 256 KiB, append 896 KiB and 1,000 events, stream id 1–255 UTF-8 bytes, not starting with `$`, no control characters, well-formed Unicode) works on every store, and core refuses what is outside it, whole and before anything is sent, unless the store was opened with `limits: 'backend'`, so that an application never depends on one backend by accident.",
  'ERR-1':
    'Every failure is an `EventStoreError` with a stable `code`, typed fields and the driver’s error as `cause`: WRONG_EXPECTED_VERSION, DUPLICATE_EVENT_ID, CHECKPOINT_CONFLICT, INVALID_ARGUMENT, TOO_LARGE, UNAVAILABLE, UNKNOWN_OUTCOME, UNSUPPORTED, ACCESS_DENIED, SCHEMA_MISSING, STREAM_DELETED (by another tool: the contract itself never deletes), CORRUPT, ABORTED, CLOSED.',
  'ERR-2':
    'Transient failures are retried inside the store within a stated budget, appends only where IDEM-1 makes that safe. UNKNOWN_OUTCOME is raised only when the store could not find out, and UNAVAILABLE for an append only where nothing was or will be written.',
  'ERR-3': 'No stream id, type or payload can change a statement’s meaning.',
  'LIFE-1':
    'Nothing is sent before the first call or `migrate()`; `close()` closes only what the store opened, waits for what is in flight, and is safe to call twice; later calls fail with CLOSED.',
  'CAP-1':
    'Every capability is answered. One that is off rejects its calls with UNSUPPORTED and names an alternative; the suite tests that too. A capability is the only reason for a case not to run, and each such case is reported with its reason.',
} as const

const texts = { ...append, ...read, ...subscribe, ...keep, ...life }

export type RuleId = keyof typeof texts

export interface Rule {
  readonly id: RuleId
  readonly section: Section
  readonly text: string
}

function rulesOf(section: Section, of: Readonly<Record<string, string>>): Rule[] {
  return Object.entries(of).map(([id, text]) => ({ id: id as RuleId, section, text }))
}

/** All of them, in the order of the contract. */
export const rules: readonly Rule[] = [
  ...rulesOf('Append', append),
  ...rulesOf('Read', read),
  ...rulesOf('Subscribe', subscribe),
  ...rulesOf('Checkpoints and snapshots', keep),
  ...rulesOf('Limits, errors, life', life),
]

export function ruleText(id: RuleId): string {
  return texts[id]
}
