import type { RuleId } from './rules.js'

export interface Explanation {
  /** What breaks in an application when the rule is broken. */
  readonly why: string
  /** How stores usually come to break it. */
  readonly pitfall: string
}

/** Why each rule matters, and how stores usually get it wrong. */
export const explanations: Readonly<Record<RuleId, Explanation>> = {
  'APPEND-1': {
    why: 'Events are the only truth there is; what is lost cannot be computed again.',
    pitfall:
      'Acknowledging before the write is durable, updating rows in place, or renumbering when a stream is repaired.',
  },
  'APPEND-2': {
    why: 'One decision often makes several events; a reader that sees half of them sees a state that never was.',
    pitfall:
      'Inserting event by event, or numbering events one at a time, so that another writer’s come in between.',
  },
  'APPEND-3': {
    why: 'A caller that was refused decides again; whatever the refused attempt left behind happens twice.',
    pitfall:
      'Raising the version, or remembering the event ids, before the check that refuses; a request still under way that commits after its caller was told no.',
  },
  'APPEND-4': {
    why: 'Versions are how conflicts are found; a gap or a duplicate lets two decisions rest on the same state.',
    pitfall:
      'Reading the version first and writing it later, or taking numbers from a sequence that loses them.',
  },
  'APPEND-5': {
    why: 'The caller’s next expectation, and “wait until the read model has this”, are made of the result.',
    pitfall: 'Returning the first event’s place, or the head as it was read some time later.',
  },
  'APPEND-6': {
    why: 'An error before anything is sent is safe and certain; one from the middle of a write is neither.',
    pitfall:
      'Leaving it to the database, which may take the first half, or write an empty append as a success.',
  },
  'EXPECT-1': {
    why: 'Optimistic concurrency protects an invariant only when the check and the write are one.',
    pitfall:
      'Checking “at least n”, so that a number above the version passes; checking before the transaction.',
  },
  'EXPECT-2': {
    why: 'Two winners have both sold the last seat.',
    pitfall:
      'A check without a lock or a unique constraint; it holds until two requests arrive together.',
  },
  'EXPECT-3': {
    why: '“any” is for writers that do not care about order; a conflict there is a lost event that nobody expects to handle.',
    pitfall: 'Implementing “any” as “read the version, then expect it” without trying again.',
  },
  'EXPECT-4': {
    why: 'A conflict says “decide again”, an outage says “wait”; one taken for the other loses orders or repeats them.',
    pitfall:
      'Reporting every failed insert as a conflict, or a version that was read before and is out of date.',
  },
  'IDEM-1': {
    why: 'Networks lose answers. Only an exact repeat makes “try again” safe.',
    pitfall:
      'Remembering ids for a while, in memory or behind a time to live; looking only at the last append.',
  },
  'IDEM-2': {
    why: 'Without a version nothing but the ids tells a repeat from a new event.',
    pitfall: 'Checking the expectation only, which “any” always meets.',
  },
  'IDEM-3': {
    why: 'An id names one event. Under two versions it makes every consumer that deduplicates wrong.',
    pitfall:
      'Answering “success” to known ids whatever else was asked, or writing the new part of a mixture.',
  },
  'IDEM-4': {
    why: 'This is the moment at which money is sent twice.',
    pitfall:
      'A retry that does not look at what the first attempt did, or that reports its own conflict with itself.',
  },
  'MULTI-1': {
    why: 'Whoever asks for several streams at once does so because half of it would be wrong.',
    pitfall:
      'Appends one after another with a compensation, or conditions on the first stream only.',
  },
  'READ-1': {
    why: 'An application that swaps stores keeps its paging code; off by one means an event twice or never.',
    pitfall:
      'Exclusive in one direction and inclusive in the other; a limit that is ignored, or 0 that means “all”.',
  },
  'READ-2': {
    why: 'A user who has just placed an order looks at it.',
    pitfall: 'Reading from a replica, a cache, or with eventual consistency.',
  },
  'READ-3': {
    why: 'Streams grow for years; a rebuild must not need the memory of the whole store.',
    pitfall:
      'Collecting the result before the first event is given; a cursor that runs on after the consumer left.',
  },
  'READ-4': {
    why: 'A value that comes back different changes the state it is folded into.',
    pitfall:
      'Columns that cannot hold U+0000, drivers that round numbers or revive dates, objects shared with the caller.',
  },
  'ALL-1': {
    why: 'Two read models of the same events must agree.',
    pitfall: 'Ordering by time stamps, or by a number that is given when the event is read.',
  },
  'ALL-2': {
    why: '“Shipped” before “paid” is nonsense to every consumer.',
    pitfall:
      'Global numbers taken before the stream is locked, so that two appends of one stream cross.',
  },
  'ALL-3': {
    why: 'What was acknowledged before something else was begun may have caused it.',
    pitfall: 'Clocks of several writers, or blocks of numbers handed out in advance.',
  },
  'ALL-4': {
    why: 'A reader that has passed a place never looks back; what appears there later is lost to it for ever.',
    pitfall:
      'A sequence or auto-increment as the position: numbers are taken before the commit, and commits come in another order.',
  },
  'ALL-5': {
    why: 'Waiting for a writer that is dead stops every read model.',
    pitfall:
      'A gap in the numbers that readers wait for without end, or give up after a time and then skip.',
  },
  'ALL-6': {
    why: 'A report that runs for an hour beside the store must not delay orders for an hour.',
    pitfall: 'Taking the oldest transaction of the whole server as the limit of what may be read.',
  },
  'ALL-7': {
    why: 'Most consumers want little of what there is; a filter that skips is a lost event, one that leaks a wrong one.',
    pitfall:
      'Prefixes as patterns with wildcards in them, `Order-` that matches `OrderItem-`, a limit applied before the filter.',
  },
  'ALL-8': {
    why: 'A checkpoint is a position; inclusive where exclusive was meant handles an event twice.',
    pitfall:
      'Numbers without padding, which sort 10 before 9; positions beyond what JSON numbers hold.',
  },
  'SUB-1': {
    why: 'A subscription that skips or repeats is worse than none, since nobody notices.',
    pitfall:
      'Going live before the past is through, or reading the past and then going live: the gap is in between.',
  },
  'SUB-2': {
    why: 'A read model must know when it is fresh, and must be able to move its checkpoint over what it does not want.',
    pitfall:
      'Saying it once only, or never under a filter, so that every restart reads everything again.',
  },
  'SUB-3': {
    why: 'A consumer is slow on the day when there is most to do.',
    pitfall:
      'A buffer that grows until the process dies, or that drops the connection, or events, when it is full.',
  },
  'SUB-4': {
    why: 'Servers restart. A subscription that is silent afterwards looks exactly like a quiet day.',
    pitfall:
      'An error event that nobody listens to, or a reconnection that starts from where it was opened.',
  },
  'SUB-5': {
    why: 'Every message is a place at which the process may die.',
    pitfall: 'Checkpoints of “progress” or “caughtUp” that lie ahead of an event not yet given.',
  },
  'SUB-6': {
    why: 'Deployments end processes; what is not released keeps them, or a connection, alive.',
    pitfall: 'A stop that waits for the next event before it takes effect.',
  },
  'CHECK-1': {
    why: 'Two owners of one subscription write the read model against each other.',
    pitfall: 'Read, compare, write in three steps; a save that is buffered.',
  },
  'SNAP-1': {
    why: 'A snapshot is a cache. An old one over a new one, or a broken one that stops the load, makes it a liability.',
    pitfall: 'Last writer wins; an exception from a snapshot of yesterday’s shape.',
  },
  'LIMIT-1': {
    why: 'An application that fits one store by accident does not fit the next.',
    pitfall:
      'Finding out from the database, after part of the work is done, in an error without a code.',
  },
  'ERR-1': {
    why: 'Applications decide by code what to do; a message is for people.',
    pitfall: 'Letting the driver’s error through, different for each backend and version.',
  },
  'ERR-2': {
    why: 'Most failures pass by themselves; repeating the wrong ones writes twice.',
    pitfall: 'Retrying everything, or nothing; retries of client and store that multiply.',
  },
  'ERR-3': {
    why: 'Ids and payloads come from outside.',
    pitfall: 'Statements put together from strings, patterns and keys without escaping.',
  },
  'LIFE-1': {
    why: 'A store is opened by start-up code and closed by signals: both must be safe at any moment.',
    pitfall:
      'Connecting in a constructor; closing what the caller owns; answers that never come after `close()`.',
  },
  'CAP-1': {
    why: 'What a store does not offer must be known before it is missed.',
    pitfall: 'Doing half of it quietly.',
  },
}
