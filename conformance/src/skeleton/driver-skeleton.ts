import type { Words } from './language.js'

/** A driver with every member of StoreDriver, none of which does anything yet. */
export function driverSkeleton({ pick }: Words): string {
  return `${pick('', '// @ts-check\n')}// The driver of your store: a handful of operations on finished arguments. Core validates, fills in defaults, limits,
// retries, iterates and subscribes, so neither validate nor retry here. StoreDriver in @annals/core documents each member;
// docs/new-adapter.md of the Annals repository leads through them; \`annals-conformance explain ALL-4\` tells what a rule
// is for, and how stores get it wrong.
//
// Write them in this order, each until its cases pass: append with streamVersion and readStream, readAll with
// headPosition, translateError, checkpoints, snapshots. Subscriptions need nothing more.
${pick(
  `import {
  createEventStore,
  type EventStore,
  pages,
  portableLimits,
  type StoreDriver,
  type StoreOptions,
  UnavailableError,
} from '@annals/core'

/** Your database’s client. Depend on the few of its methods that you call. */
export interface Client {
  close(): Promise<void>
}

/** Opens the store. Nothing is sent before its first call (LIFE-1): connect when the driver is first asked. */
export function openStore(client: Client, options: StoreOptions = {}): EventStore {
  return createEventStore(storeDriver(client), options)
}`,
  `import { createEventStore, pages, portableLimits, UnavailableError } from '@annals/core'

/**
 * Your database’s client. Depend on the few of its methods that you call.
 * @typedef {{ close(): Promise<void> }} Client
 */

/**
 * Opens the store. Nothing is sent before its first call (LIFE-1): connect when the driver is first asked.
 * @param {Client} client
 * @param {import('@annals/core').StoreOptions} [options]
 */
export function openStore(client, options = {}) {
  return createEventStore(storeDriver(client), options)
}`,
)}

/** Thrown by what is not written yet; take it out when nothing throws it any more. */
class NotWrittenError extends Error {
${pick(
  '',
  `  /**
   * @param {string} operation
   * @param {string} advice
   */
`,
)}  constructor(operation${pick(': string')}, advice${pick(': string')}) {
    super(\`\${operation} of the driver is not written yet. \${advice}\`)
  }
}

${pick('', "/**\n * @param {Client} client\n * @returns {import('@annals/core').StoreDriver}\n */\n")}function storeDriver(client${pick(': Client')})${pick(': StoreDriver')} {
  return {
    // In messages.
    name: 'my-store',

    // As your database is, not as you wish it were: applications and the suite read the same record.
    capabilities: {
      // Whether appends to several streams can be one atomic write: then give appendMany.
      multiStreamAppend: false,
      // Whether a repeated append with 'any' is recognised for ever. Else 'bestEffort', and give findAppend.
      idempotentAny: 'always',
      // Whether an event id that is in the stream is always refused. Else 'none'.
      uniqueEventIds: 'stream',
      // Whether what was acknowledged survives the server. Else 'process'.
      persistence: 'durable',
    },
    // The database’s own limits, none below these.
    limits: portableLimits,

    // A position is a short constant tag, then digits of a fixed width: compared as plain strings, positions are in the
    // order of the events (ALL-1). The pattern accepts exactly these; origin precedes every event.
    positionPattern: /^my1-\\d{16}$/,
    origin: 'my1-0000000000000000',

    // Decides and writes in one atomic step of the database: what to answer for each expectation, and for a repeat,
    // stands in the table under "Append" in docs/new-adapter.md. The result is that of the last event (APPEND-5).
    async append(_request, _signal) {
      throw new NotWrittenError(
        'append',
        'Write it first: the table under "Append" in docs/new-adapter.md of the Annals repository says what to answer for each expectation, and "The global order" what a position must be. Then streamVersion and readStream; run with --bail to see one failure at a time.',
      )
    },

    // Batches of a few hundred events, in order; fromVersion is inclusive in both directions, and
    // may lie outside the stream (READ-1). pages() of core prefetches one page and aborts.
    readStream: ({ signal }) =>
      pages(signal, async (_cursor, _signal) => {
        throw new NotWrittenError(
          'readStream',
          'A page of events and the cursor of the next one: see "Reading" in docs/new-adapter.md.',
        )
      }),

    // The same over all streams; after is exclusive (ALL-8). Each batch tells how far it looked and whether that is the
    // head; nothing may appear later below what a reader was given (ALL-4).
    readAll: ({ signal }) =>
      pages(signal, async (_cursor, _signal) => {
        throw new NotWrittenError(
          'readAll',
          'Mind "The global order" and "Reading" in docs/new-adapter.md: this is where stores go wrong.',
        )
      }),

    // The stream’s last version; 0 where it was never written.
    async streamVersion(_streamId, _signal) {
      throw new NotWrittenError('streamVersion', 'The last version, 0 where there is no event.')
    },

    // The position of the last event that readers may see; null in an empty store.
    async headPosition(_signal) {
      throw new NotWrittenError('headPosition', 'The last position that readers may see, or null.')
    },

    async loadCheckpoint(_subscriptionId, _signal) {
      throw new NotWrittenError('loadCheckpoint', 'The saved position, or null.')
    },
    // Compares and sets in one atomic step where expected is given (null: there must be none): null where it was saved,
    // else what is there instead (CHECK-1).
    async saveCheckpoint(_subscriptionId, _position, _expected, _signal) {
      throw new NotWrittenError('saveCheckpoint', 'Compare and set in one atomic step.')
    },
    async deleteCheckpoint(_subscriptionId, _signal) {
      throw new NotWrittenError('deleteCheckpoint', 'Deleting what is not there is no failure.')
    },

    // Core takes an unreadable state as none; a snapshot costs time, never correctness (SNAP-1).
    async loadSnapshot(_streamId, _signal) {
      throw new NotWrittenError('loadSnapshot', 'The kept version and state, or null.')
    },
    // Leaves a newer snapshot alone, in one atomic step; replaces one of the same version.
    async saveSnapshot(_streamId, _version, _state, _signal) {
      throw new NotWrittenError('saveSnapshot', 'It never replaces a newer one.')
    },
    async deleteSnapshot(_streamId, _signal) {
      throw new NotWrittenError('deleteSnapshot', 'Deleting what is not there is no failure.')
    },

    // Creates the tables. Safe to repeat, and by many at once; loses nothing that is there.
    async migrate(_signal) {},

    // Called once, after the last call has ended. Releases what the driver opened, and nothing that was handed in.
    async close() {
      await client.close()
    },

    // The one place that knows the errors of your client: the table under "Errors" in docs/new-adapter.md. A time-out is
    // never proof that nothing happened, and only a conflict is reported as one (EXPECT-4).
    translateError(error) {
      const message = error instanceof Error ? error.message : String(error)
      return {
        error: new UnavailableError(message, { cause: error }),
        retryable: false,
        outcomeUnknown: !(error instanceof NotWrittenError),
      }
    },

    // Where your database can do more, beside these:
    //   appendMany  several streams in one atomic write (capabilities.multiStreamAppend)
    //   findAppend  looks for an append of unknown outcome (capabilities.idempotentAny: 'bestEffort')
    //   watch       hints that something may be new; without it core polls, as polling says
    //   tailAll, tailStream  the subscriptions of a database that pushes
    //   prepare     asks the server for what capabilities depend on
  }
}
`
}
