import type { RuleId } from './rules.js'

/** A store with one defect, which the suite is known to find: test/mutants.test.ts proves it. */
export interface MutantEntry {
  readonly name: string
  /** The rule that it breaks: at least one of that rule's cases fails on it. */
  readonly rule: RuleId
  /** What its author did wrong. */
  readonly defect: string
}

/** Every mutant, in the order of the rules. The stores themselves are in test/mutants/. */
export const mutants: readonly MutantEntry[] = [
  {
    name: 'forgets-last-on-close',
    rule: 'APPEND-1',
    defect: 'acknowledges what is still in a buffer, which is lost when the handle closes',
  },
  { name: 'one-by-one', rule: 'APPEND-2', defect: 'writes the events of an append one by one' },
  {
    name: 'reads-on-the-writing-connection',
    rule: 'APPEND-2',
    defect: 'has one connection, on which it reads what it has not committed yet',
  },
  {
    name: 'writes-then-checks',
    rule: 'APPEND-3',
    defect: 'writes before it checks, and does not take back',
  },
  {
    name: 'keeps-rejected-ids',
    rule: 'APPEND-3',
    defect: 'remembers the ids of a rejected append as taken',
  },
  {
    name: 'refusal-writes-back-what-it-saw',
    rule: 'APPEND-3',
    defect:
      'writes back, at the end of a refused append, the version that it saw at the beginning: none, of a stream created meanwhile',
  },
  {
    name: 'conflict-burns-version',
    rule: 'APPEND-4',
    defect: 'takes the number before the check, so that a conflict leaves a gap',
  },
  {
    name: 'result-of-first-event',
    rule: 'APPEND-5',
    defect: 'returns the first event’s version and position',
  },
  {
    name: 'position-of-whoever-was-last',
    rule: 'APPEND-5',
    defect: 'asks for the head after the write, and gets a neighbour’s',
  },
  {
    name: 'invents-result-for-nothing',
    rule: 'APPEND-6',
    defect: 'answers an append of no events with success',
  },
  {
    name: 'asks-before-it-validates',
    rule: 'APPEND-6',
    defect: 'asks the database before it looks at the arguments',
  },
  {
    name: 'at-most-the-number',
    rule: 'EXPECT-1',
    defect: 'takes a number above the version for met',
  },
  {
    name: 'trusts-its-own-cache',
    rule: 'EXPECT-1',
    defect: 'checks the number against the version that this handle wrote last',
  },
  {
    name: 'checks-then-writes',
    rule: 'EXPECT-2',
    defect: 'reads the version, and writes later without a condition',
  },
  {
    name: 'any-is-optimistic',
    rule: 'EXPECT-3',
    defect: 'makes a number of ‘any’ and does not try again',
  },
  { name: 'exists-is-any', rule: 'EXPECT-3', defect: 'takes ‘exists’ for ‘any’' },
  {
    name: 'guesses-the-true-version',
    rule: 'EXPECT-4',
    defect: 'tells the expected version plus one as the true one',
  },
  {
    name: 'outage-is-conflict',
    rule: 'EXPECT-4',
    defect: 'reports every failed append as a conflict',
  },
  { name: 'repeat-is-a-conflict', rule: 'IDEM-1', defect: 'knows no repeats' },
  {
    name: 'remembers-a-hundred-ids',
    rule: 'IDEM-1',
    defect: 'looks for a repeat only among the last hundred events',
  },
  {
    name: 'repeat-returns-the-head',
    rule: 'IDEM-1',
    defect: 'answers a repeat with the stream’s present end',
  },
  {
    name: 'any-is-written-again',
    rule: 'IDEM-2',
    defect: 'writes a repeated ‘any’ or ‘exists’ append again',
  },
  {
    name: 'forgets-any-of-others',
    rule: 'IDEM-2',
    defect: 'recognises a repeated ‘any’ append only in the process that wrote it',
  },
  {
    name: 'ids-win-over-the-number',
    rule: 'IDEM-3',
    defect: 'answers known ids with success whatever the number',
  },
  {
    name: 'writes-the-new-of-a-mixture',
    rule: 'IDEM-3',
    defect: 'drops the known ids of an append and writes the rest',
  },
  { name: 'ids-of-all-streams', rule: 'IDEM-3', defect: 'takes an id of another stream for known' },
  {
    name: 'retries-under-new-ids',
    rule: 'IDEM-4',
    defect: 'makes new ids when it repeats an append whose answer was lost',
  },
  {
    name: 'own-lost-append-is-a-conflict',
    rule: 'IDEM-4',
    defect: 'takes its own committed append for another writer’s',
  },
  {
    name: 'repeats-as-if-nothing-was-sent',
    rule: 'IDEM-4',
    defect: 'makes new ids when it repeats an append to which no answer came in time',
  },
  {
    name: 'one-stream-after-another',
    rule: 'MULTI-1',
    defect: 'writes the streams one after another',
  },
  {
    name: 'checks-the-first-stream-only',
    rule: 'MULTI-1',
    defect: 'examines the first expectation only',
  },
  {
    name: 'results-in-order-of-names',
    rule: 'MULTI-1',
    defect: 'locks streams in the order of names and returns the results so',
  },
  {
    name: 'backwards-is-exclusive',
    rule: 'READ-1',
    defect: 'takes fromVersion as exclusive backwards',
  },
  {
    name: 'loses-at-the-page-boundary',
    rule: 'READ-1',
    defect: 'loses the first event of each page but the first',
  },
  {
    name: 'goes-on-behind-the-uncut-page',
    rule: 'READ-1',
    defect: 'cuts a page at a MiB, and goes on behind what the page had been',
  },
  {
    name: 'nothing-from-beyond-the-end',
    rule: 'READ-1',
    defect: 'gives nothing backwards from beyond the end',
  },
  {
    name: 'reads-from-its-cache',
    rule: 'READ-2',
    defect: 'keeps what it read until it writes itself',
  },
  {
    name: 'loads-everything-first',
    rule: 'READ-3',
    defect: 'reads the whole stream before it gives the first event',
  },
  {
    name: 'keeps-the-connection-of-who-leaves',
    rule: 'READ-3',
    defect: 'gives a connection back only at the end of a read',
  },
  { name: 'drops-nul', rule: 'READ-4', defect: 'drops U+0000' },
  { name: 'bytes-come-back-as-text', rule: 'READ-4', defect: 'gives bytes back as base64 text' },
  { name: 'gives-out-its-own-bytes', rule: 'READ-4', defect: 'gives out the bytes that it keeps' },
  { name: 'recorded-in-1970', rule: 'READ-4', defect: 'takes milliseconds for microseconds' },
  {
    name: 'recorded-when-it-is-read',
    rule: 'READ-4',
    defect: 'keeps no time, and gives that of the reading',
  },
  { name: 'backwards-by-time', rule: 'ALL-1', defect: 'orders by time when it reads backwards' },
  {
    name: 'cut-page-is-the-end',
    rule: 'ALL-1',
    defect:
      'cuts a page at a MiB, and takes a page with fewer events than it asked for for the end',
  },
  {
    name: 'position-drawn-before-the-lock',
    rule: 'ALL-2',
    defect: 'draws the position before it waits for the stream',
  },
  { name: 'numbers-in-blocks', rule: 'ALL-3', defect: 'each process takes twenty positions ahead' },
  {
    name: 'number-before-commit',
    rule: 'ALL-4',
    defect: 'takes the position from a sequence before the commit',
  },
  {
    name: 'dead-writer-holds-the-frontier',
    rule: 'ALL-5',
    defect: 'a writer that died holds the readers’ frontier for ever',
  },
  {
    name: 'order-lags-behind',
    rule: 'ALL-5',
    defect: 'fills the index of the global order a little later',
  },
  {
    name: 'waits-for-foreign-transactions',
    rule: 'ALL-6',
    defect: 'lets readers wait for every transaction in the server',
  },
  {
    name: 'category-is-a-prefix',
    rule: 'ALL-7',
    defect: 'takes a category for a prefix of the stream id',
  },
  { name: 'prefix-is-a-pattern', rule: 'ALL-7', defect: 'does not escape % and _ in a prefix' },
  { name: 'types-in-any-case', rule: 'ALL-7', defect: 'compares types without regard to case' },
  { name: 'limits-then-filters', rule: 'ALL-7', defect: 'applies the limit before the filter' },
  {
    name: 'loses-where-windows-meet',
    rule: 'ALL-7',
    defect:
      'reads backwards with a filter in windows of 2,000 events, and loses the first of each but the first',
  },
  {
    name: 'empty-window-is-the-end',
    rule: 'ALL-7',
    defect: 'takes a window of 2,000 events, none of which passes the filter, for the end',
  },
  {
    name: 'prefix-ends-at-ffff',
    rule: 'ALL-7',
    defect: 'ends the range of a prefix at U+FFFF, in the order of code points',
  },
  {
    name: 'prefix-in-code-units',
    rule: 'ALL-7',
    defect: 'ends the range of a prefix at U+10FFFF, in the order of UTF-16',
  },
  {
    name: 'lists-of-a-thousand',
    rule: 'ALL-7',
    defect: 'gives the database the first thousand entries of a list',
  },
  {
    name: 'backwards-includes-after',
    rule: 'ALL-8',
    defect: 'includes the event at the position backwards',
  },
  {
    name: 'positions-without-padding',
    rule: 'ALL-8',
    defect: 'writes positions without leading zeros',
  },
  { name: 'takes-any-position', rule: 'ALL-8', defect: 'takes a position of another kind' },
  {
    name: 'origin-is-the-first-event',
    rule: 'ALL-8',
    defect: 'gives the first event’s position in an empty store',
  },
  {
    name: 'loses-at-the-switch',
    rule: 'SUB-1',
    defect: 'starts the present at the head, not where the past ended',
  },
  {
    name: 'repeats-at-the-switch',
    rule: 'SUB-1',
    defect: 'starts the present with the last event of the past',
  },
  { name: 'caught-up-once', rule: 'SUB-2', defect: 'tells caughtUp the first time only' },
  {
    name: 'caught-up-before-the-past',
    rule: 'SUB-2',
    defect: 'tells caughtUp before it has given the past',
  },
  {
    name: 'stands-still-behind-a-filter',
    rule: 'SUB-2',
    defect: 'moves its position only with events',
  },
  {
    name: 'drops-when-the-consumer-is-slow',
    rule: 'SUB-3',
    defect: 'keeps a thousand messages and drops the oldest',
  },
  {
    name: 'reconnects-from-the-start',
    rule: 'SUB-4',
    defect: 'reconnects where it was first opened',
  },
  { name: 'reconnects-at-the-head', rule: 'SUB-4', defect: 'reconnects at the head' },
  {
    name: 'trusts-in-hints-alone',
    rule: 'SUB-4',
    defect: 'waits for a hint, which a connection that was forgotten never brings',
  },
  {
    name: 'ends-without-its-error',
    rule: 'SUB-4',
    defect: 'ends without an error when a failure is final',
  },
  {
    name: 'resumes-with-the-last-event',
    rule: 'SUB-5',
    defect: 'takes the position to go on from as inclusive',
  },
  {
    name: 'resumes-the-stream-with-the-last-event',
    rule: 'SUB-5',
    defect: 'takes the version to go on from as inclusive',
  },
  {
    name: 'return-waits-for-the-next-message',
    rule: 'SUB-6',
    defect: 'is an async generator, whose return() waits for a pending next()',
  },
  {
    name: 'goes-on-after-its-end',
    rule: 'SUB-6',
    defect: 'goes on asking after the subscription has ended',
  },
  { name: 'abort-is-an-end', rule: 'SUB-6', defect: 'ends quietly when the signal aborts' },
  {
    name: 'compares-then-sets',
    rule: 'CHECK-1',
    defect: 'reads, compares and saves in three steps',
  },
  {
    name: 'null-demands-nothing',
    rule: 'CHECK-1',
    defect: 'takes an expected null for no expectation',
  },
  {
    name: 'checkpoints-in-the-process',
    rule: 'CHECK-1',
    defect: 'answers from what this process has saved',
  },
  { name: 'last-snapshot-wins', rule: 'SNAP-1', defect: 'keeps the snapshot that was saved last' },
  {
    name: 'snapshot-versions-as-text',
    rule: 'SNAP-1',
    defect: 'compares the versions of snapshots as text',
  },
  {
    name: 'unreadable-snapshot-is-an-error',
    rule: 'SNAP-1',
    defect: 'fails where a snapshot cannot be read',
  },
  {
    name: 'stream-ids-of-200-characters',
    rule: 'LIMIT-1',
    defect: 'has a column of 200 characters for stream ids',
  },
  {
    name: 'items-of-400-kilobytes',
    rule: 'LIMIT-1',
    defect: 'puts an append into one item of at most 400 KB',
  },
  {
    name: 'batches-of-a-hundred',
    rule: 'LIMIT-1',
    defect: 'writes at most a hundred events at once',
  },
  { name: 'throws-plain-errors', rule: 'ERR-1', defect: 'throws errors without a code' },
  { name: 'hides-the-cause', rule: 'ERR-1', defect: 'drops the driver’s own error' },
  {
    name: 'retries-for-ever-what-is-denied',
    rule: 'ERR-1',
    defect: 'retries what the database refuses for good',
  },
  { name: 'never-retries', rule: 'ERR-2', defect: 'takes no failure for transient' },
  {
    name: 'lost-answer-is-unavailable',
    rule: 'ERR-2',
    defect: 'says that nothing was written when the answer was lost',
  },
  {
    name: 'silence-is-unavailable',
    rule: 'ERR-2',
    defect: 'says that nothing was written when no answer came in time',
  },
  {
    name: 'waits-for-an-answer-for-ever',
    rule: 'ERR-2',
    defect: 'asks again and again when no answer comes, without an end',
  },
  {
    name: 'throttling-is-final',
    rule: 'ERR-2',
    defect: 'takes a refusal for the rate of requests for final',
  },
  {
    name: 'throttling-is-in-doubt',
    rule: 'ERR-2',
    defect: 'does not know that nothing of a refused request was done',
  },
  { name: 'escapes-twice', rule: 'ERR-3', defect: 'escapes quotes in what is a parameter already' },
  { name: 'folds-stream-ids', rule: 'ERR-3', defect: 'folds stream ids that look alike' },
  {
    name: 'connects-at-once',
    rule: 'LIFE-1',
    defect: 'connects when a subscription is made, not when it is iterated',
  },
  { name: 'close-does-not-wait', rule: 'LIFE-1', defect: 'does not wait for what is in flight' },
  { name: 'close-twice-throws', rule: 'LIFE-1', defect: 'fails when it is closed twice' },
  { name: 'closes-what-others-use', rule: 'LIFE-1', defect: 'closes the pool that it was given' },
  {
    name: 'works-after-close',
    rule: 'LIFE-1',
    defect: 'answers from its cache after it was closed',
  },
  {
    name: 'off-is-a-plain-error',
    rule: 'CAP-1',
    defect: 'refuses what it does not offer with a plain error',
  },
  {
    name: 'answers-a-capability-with-maybe',
    rule: 'CAP-1',
    defect: 'answers a capability with a value of its own',
  },
]
