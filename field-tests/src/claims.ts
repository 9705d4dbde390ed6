import type { RuleId } from '@annals/conformance'

/** What a store's documentation says about a rule: its words, and where they stand. */
export interface Claim {
  readonly words: string
  readonly where: string
}

export interface Claims {
  /** The rules that the documentation claims, or that a store without them would be none. The others are not run. */
  readonly rules: Partial<Record<RuleId, Claim>>
  /** Cases of those rules that examine more than is claimed, and why. They are not run. */
  readonly beyond?: Readonly<Record<string, string>>
}

const selfEvident = (where: string): Claim => ({
  words: '(nothing said; what was written is expected to be read back)',
  where,
})

/**
 * Later than 0.42.0, whose own pages say less: that `readStream` takes `from`, `to` and `maxCount`, and that
 * `appendToStream` takes an expected version for an optimistic concurrency check; the constants are exported.
 */
const emmettDocs = 'Emmett documentation as of August 2026'
const emmettCommon: Claims['rules'] = {
  'APPEND-1': selfEvident(emmettDocs),
  'APPEND-3': {
    words: 'Throws ConcurrencyError if current version !== 5n',
    where: `${emmettDocs}, API reference, Event Store`,
  },
  'APPEND-5': {
    words: 'Version after append (bigint)',
    where: `${emmettDocs}, API reference, Event Store`,
  },
  'EXPECT-1': {
    words: 'Require stream to not exist (create new) … Require specific version',
    where: `${emmettDocs}, Event Stores, Optimistic Concurrency`,
  },
  'EXPECT-2': {
    words: 'All event stores support optimistic concurrency control',
    where: `${emmettDocs}, Event Stores, Optimistic Concurrency`,
  },
  'EXPECT-3': {
    words: 'Require stream to exist (update) … Skip concurrency check',
    where: `${emmettDocs}, Event Stores, Optimistic Concurrency`,
  },
  'EXPECT-4': {
    words: 'It exposes the `current` and `expected` versions',
    where: `${emmettDocs}, Error handling`,
  },
  'READ-1': {
    words: 'Start from position 5 … Max 100 events',
    where: `${emmettDocs}, API reference, Event Store, Reading Options`,
  },
  'READ-2': selfEvident(emmettDocs),
}
const emmettBeyond = {
  'EXPECT-4/true-version-in-a-race':
    'the adapter asks for the version later; see findings/emmett-postgresql-EXPECT-4.ts',
  'APPEND-4/mixed-writers': 'it relies on repeats being recognised, which is not claimed',
  'EXPECT-4/outage': 'what an outage looks like is not documented',
  'APPEND-5/last-event': 'the position is not documented',
}

export const emmettPostgresqlClaims: Claims = {
  rules: {
    ...emmettCommon,
    'APPEND-2': {
      words: 'Persistent storage with ACID transactions',
      where: `${emmettDocs}, PostgreSQL Event Store`,
    },
    'APPEND-4': {
      words: 'Persistent storage with ACID transactions',
      where: `${emmettDocs}, PostgreSQL Event Store`,
    },
    'ALL-1': {
      words: 'Async consumers with batch processing and checkpointing',
      where: `${emmettDocs}, PostgreSQL Event Store`,
    },
    'ALL-2': {
      words: 'Async consumers with batch processing and checkpointing',
      where: `${emmettDocs}, PostgreSQL Event Store`,
    },
    'ALL-4': {
      words: 'Async consumers with batch processing and checkpointing',
      where: `${emmettDocs}, PostgreSQL Event Store`,
    },
    'ALL-5': {
      words: '`whenCaughtUp()` resolves once every processor has handled what was appended so far',
      where: `${emmettDocs}, PostgreSQL Event Store`,
    },
    'ALL-6': {
      words: 'To update read models or trigger side effects in the background',
      where: `${emmettDocs}, PostgreSQL Event Store`,
    },
    'SUB-1': {
      words: 'Async consumers with batch processing and checkpointing; startFrom BEGINNING and END',
      where: `${emmettDocs}, PostgreSQL Event Store; types of the package`,
    },
    'SUB-5': {
      words: 'Async consumers with batch processing and checkpointing',
      where: `${emmettDocs}, PostgreSQL Event Store`,
    },
  },
  beyond: emmettBeyond,
}

export const emmettMemoryClaims: Claims = {
  rules: { ...emmettCommon, 'APPEND-4': selfEvident(emmettDocs) },
  beyond: emmettBeyond,
}

/** PostgreSQL documents that its type jsonb refuses these. */
const jsonb =
  'it holds U+0000 and lone surrogates, which PostgreSQL’s documented type jsonb refuses'

const castoreDocs = 'Castore documentation'
const aboveTheHead =
  'it is claimed that an event is refused where one "already exists for the corresponding aggregateId and version", not that versions have no gaps'

const castoreCommon = {
  rules: {
    'APPEND-1': selfEvident(castoreDocs),
    'APPEND-2': {
      words: 'all those events are pushed or none',
      where: `${castoreDocs}, Joining data`,
    },
    'APPEND-3': {
      words: 'all those events are pushed or none',
      where: `${castoreDocs}, Joining data`,
    },
    'EXPECT-1': {
      words:
        'Throws an EventAlreadyExistsError if an event already exists for the corresponding aggregateId and version',
      where: `${castoreDocs}, Event Store, pushEvent`,
    },
    'EXPECT-2': {
      words:
        'Throws an EventAlreadyExistsError if an event already exists for the corresponding aggregateId and version',
      where: `${castoreDocs}, Event Store, pushEvent`,
    },
    'READ-1': {
      words:
        'Retrieves the events of an aggregate, ordered by version … limit: Maximum number of events to retrieve … reverse: To retrieve events in reverse order',
      where: `${castoreDocs}, Event Store, getEvents`,
    },
    'READ-2': {
      words: 'uses consistent reads, so is always consistent (DynamoDB)',
      where: 'README of the adapter',
    },
    'READ-4': { words: 'A payload of any type', where: `${castoreDocs}, Events` },
  },
  beyond: {
    'EXPECT-1/only-the-true-version': aboveTheHead,
    'EXPECT-1/never-written': aboveTheHead,
    'APPEND-2/adjacent': 'there is no order of all events',
    'APPEND-3/conflict': "it appends with 'exists', which is not claimed",
    'READ-4/whole-event': 'it looks at the last of all events; there is no order of all',
    'READ-4/bytes': 'bytes are not claimed',
    'READ-4/isolation': 'bytes are not claimed; see findings/castore-memory-APPEND-1.ts',
    'READ-4/metadata': 'metadata is the adapter’s own here',
  },
} as const satisfies Claims

export const castoreMemoryClaims: Claims = castoreCommon

export const castoreDynamoDbClaims: Claims = {
  ...castoreCommon,
  beyond: {
    ...castoreCommon.beyond,
    'READ-1/long-stream': 'it pushes groups of more than 100 events; that limit is documented',
  },
}

export const castorePostgresClaims: Claims = {
  ...castoreCommon,
  beyond: {
    ...castoreCommon.beyond,
    'READ-4/json': `${jsonb}; see findings/castore-postgres-READ-4.ts`,
  },
}

const evtstoreDocs = 'evtstore documentation'

const evtstoreRules: Claims['rules'] = {
  'APPEND-1': selfEvident(evtstoreDocs),
  'APPEND-3': { words: 'VersionError: "Version conflict error"', where: 'exports of the package' },
  'APPEND-4': {
    words: 'The Aggregate.version indicates the amount of events the aggregate has',
    where: `${evtstoreDocs}, Commands`,
  },
  'EXPECT-1': { words: 'VersionError: "Version conflict error"', where: 'exports of the package' },
  'EXPECT-2': { words: 'VersionError: "Version conflict error"', where: 'exports of the package' },
  'READ-2': selfEvident(evtstoreDocs),
  'ALL-1': {
    words: 'Retrieve events after the Bookmark position … Process each event',
    where: `${evtstoreDocs}, Event Handlers`,
  },
  'ALL-2': {
    words: 'Retrieve events after the Bookmark position … Process each event',
    where: `${evtstoreDocs}, Event Handlers`,
  },
  'ALL-4': {
    words: 'Retrieve events after the Bookmark position … Process each event',
    where: `${evtstoreDocs}, Event Handlers`,
  },
  'ALL-5': {
    words: '`runOnce()` will handle all unprocessed events',
    where: `${evtstoreDocs}, Event Handlers`,
  },
  'SUB-1': {
    words: 'Process each event and update the remote bookmark after each successful event handled',
    where: `${evtstoreDocs}, Event Handlers`,
  },
  'SUB-5': {
    words: 'Retrieve the Bookmark position … Retrieve events after the Bookmark position',
    where: `${evtstoreDocs}, Event Handlers`,
  },
}

const evtstoreBeyond = {
  'APPEND-4/mixed-writers': 'it relies on repeats being recognised, which is not claimed',
}

export const evtstorePgClaims: Claims = {
  rules: {
    ...evtstoreRules,
    'APPEND-2': selfEvident('the package writes the events of a command in one transaction'),
    'ALL-6': {
      words: 'Retrieve events after the Bookmark position',
      where: `${evtstoreDocs}, Event Handlers`,
    },
  },
  beyond: {
    ...evtstoreBeyond,
    'APPEND-2/adjacent': 'that they are adjacent in the order of all is not claimed',
  },
}

export const evtstoreMemoryClaims: Claims = {
  rules: evtstoreRules,
  beyond: evtstoreBeyond,
}

const readme = 'README of the package'

export const eventstoreMemoryClaims: Claims = {
  rules: {
    'APPEND-1': selfEvident(readme),
    'READ-1': {
      words: 'limit the query with a minimum revision number and a maximum revision number',
      where: readme,
    },
    'READ-2': selfEvident(readme),
    'ALL-1': {
      words:
        'for replaying your events or for rebuilding a viewmodel … just call next to retrieve the next page',
      where: readme,
    },
    'ALL-2': { words: 'for replaying your events or for rebuilding a viewmodel', where: readme },
    'ALL-3': { words: 'position of the event in the whole store', where: readme },
    'ALL-4': { words: 'just call next to retrieve the next page', where: readme },
  },
}

const messageDbDocs = 'Message DB user guide, Server Functions'

export const messageDbClaims: Claims = {
  rules: {
    'APPEND-1': selfEvident(messageDbDocs),
    'APPEND-2': selfEvident('several messages are written in one transaction'),
    'APPEND-3': { words: 'an error is raised (wrong expected version)', where: messageDbDocs },
    'APPEND-4': { words: 'Position of the message written', where: messageDbDocs },
    'EXPECT-1': {
      words:
        'The expected_version argument is as an optimistic concurrency protection. It can also be used to assure that a message written to a stream is the first message in the stream',
      where: messageDbDocs,
    },
    'EXPECT-2': { words: 'optimistic concurrency protection', where: messageDbDocs },
    'EXPECT-3': { words: 'expected_version (optional)', where: messageDbDocs },
    'EXPECT-4': {
      words: 'Wrong expected version: % (Stream: %, Stream Version: %)',
      where: messageDbDocs,
    },
    'READ-1': {
      words: 'get_stream_messages(stream_name, position, batch_size)',
      where: messageDbDocs,
    },
    'READ-2': selfEvident(messageDbDocs),
    'READ-4': { words: 'JSON representation of the message body', where: messageDbDocs },
    'ALL-2': {
      words: 'get_category_messages(category, position, batch_size)',
      where: messageDbDocs,
    },
  },
  beyond: {
    'APPEND-2/adjacent': 'there is no order of all messages, one category is read at a time',
    'APPEND-3/conflict': "it appends with 'exists', which is not claimed",
    'APPEND-4/mixed-writers': 'it relies on repeats being recognised, which is not claimed',
    'APPEND-5/last-event': 'there is no order of all messages, one category is read at a time',
    'EXPECT-1/never-written':
      'streams without a dash in their name; see findings/message-db-READ-2.ts',
    'EXPECT-4/outage': 'what an outage looks like is the client’s',
    'READ-1/never-written':
      'streams without a dash in their name; see findings/message-db-READ-2.ts',
    'READ-4/json': jsonb,
    'READ-4/metadata': jsonb,
    'READ-4/bytes': 'bytes are not claimed',
    'READ-4/isolation': 'bytes are not claimed',
  },
}
