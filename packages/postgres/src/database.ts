/** A row as the database sends it: text, or null. Nothing is parsed on the way. */
export type Row = readonly (string | null)[]

export interface Statement {
  readonly text: string
  /**
   * Sent often: prepared once for each connection, where that is possible. Others are planned each time, for the values
   * at hand.
   */
  readonly prepared?: boolean
}

export type Value = string | number | boolean | null

export interface Queryable {
  /** Where `signal` aborts, the answer is not waited for any longer. */
  rows(
    statement: Statement,
    values: readonly Value[],
    signal?: AbortSignal,
  ): Promise<readonly Row[]>
}

/** A transaction that is open. */
export interface Session<Client = unknown> extends Queryable {
  /** What the caller's own statements go through. */
  readonly client: Client
  /** Runs statements that take no values and give no rows. */
  script(text: string): Promise<void>
}

/** What the store needs of PostgreSQL, whichever way it is reached. */
export interface Database extends Queryable {
  /** The same object for every store that reaches the same data through the same client, so that they can wake each other. */
  readonly identity: object
  /** Whether another process may write to the same database. */
  readonly shared: boolean
  /**
   * Runs `work` in one transaction. `begin` is sent first; whatever it and `work` do is committed if `work` resolves,
   * and rolled back if it rejects.
   * @throws CommitUnknownError if the commit was sent and its answer was lost.
   */
  transaction<T>(begin: string, work: (session: Session) => Promise<T>): Promise<T>
  /** Statements through a client that somebody else holds, with a transaction open. */
  through(client: unknown): Queryable
  /**
   * A connection of its own that listens to a channel; undefined where there is no such thing. `onLost` is called once,
   * when it can listen no more.
   */
  listen?(
    channel: string,
    onMessage: (payload: string) => void,
    onLost: (error: unknown) => void,
  ): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** The connection was lost between a COMMIT and its answer. */
export class CommitUnknownError extends Error {
  constructor(options: { cause: unknown }) {
    super('The connection was lost while the transaction was being committed.', options)
    this.name = 'CommitUnknownError'
  }
}

/**
 * How long a statement may take that belongs to no call, which has a limit of its own: a connection whose other end is gone
 * without a word would keep it for ever.
 */
export const patienceMs = 10_000

/** A statement that others wait for as well was given up by the call that had begun it. Whatever they wanted was not sent. */
export class GivenUpError extends Error {
  constructor(what: string) {
    super(`The ${what} was given up before PostgreSQL answered.`)
    this.name = 'GivenUpError'
  }
}
