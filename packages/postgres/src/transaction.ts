import type { AppendOptions, AppendResult, EventShape, NewEvent, StreamAppend } from '@annals/core'

/** Appends that become part of a transaction with the caller's own writes. */
export interface TransactionAppends {
  /**
   * Appends as `store.append` does, in this transaction. A refusal (WRONG_EXPECTED_VERSION, DUPLICATE_EVENT_ID) leaves the
   * transaction usable.
   * The stream is locked until the transaction ends: other appends to it wait.
   */
  append<E extends EventShape = EventShape>(
    streamId: string,
    events: readonly NewEvent<E>[],
    options?: Pick<AppendOptions, 'expectedVersion'>,
  ): Promise<AppendResult>
  /** Appends to several streams, all or nothing, as `store.appendToStreams` does. */
  appendToStreams(appends: readonly StreamAppend[]): Promise<readonly AppendResult[]>
}

/** What `store.transaction` gives to its callback. */
export interface StoreTransaction<Client> extends TransactionAppends {
  /** For the caller's own statements: `pg`'s client, or PGlite's transaction. Do not end the transaction through it. */
  readonly client: Client
}

/** What `store.join` gives. */
export interface JoinedTransaction extends TransactionAppends {
  /** Say so once the transaction is committed, and subscriptions look at once; otherwise they find its events when they poll. */
  committed(): void
}

export interface TransactionOptions {
  readonly signal?: AbortSignal | undefined
}
