import { Connection, type Parameter, type Row, SqliteFile } from '../../src/index.js'

/** Faults of one handle, made between the driver and SQLite: what a disk, a lock or a dead process would do. */
export class FaultyFile extends SqliteFile {
  /** Statements sent, transactions' ends and settings included. */
  requests = 0
  /** Faults that have struck. */
  struck = 0
  /** Where `hold()` holds. Only a faulty variant of the store has another place that hurts. */
  protected readonly holdsAt: 'commit' | 'lock' = 'commit'
  #down: Error | undefined
  #refuseOneOf = 0
  #transactions = 0
  #cut: 'before' | 'after' | undefined
  #held: { arrived(): void; readonly released: Promise<void> } | undefined
  #kill: ((error: Error) => void) | undefined

  /** Each statement fails as on a disk that is gone, until `recover()`. */
  outage(): void {
    this.#down = sqliteError('SQLITE_IOERR_READ', 'disk I/O error')
  }

  recover(): void {
    this.#down = undefined
  }

  /**
   * One of so many transactions is refused as locked; 0: none. Only where it begins, as SQLite does it: who has the write
   * lock keeps it, and in WAL mode a reader needs none.
   */
  refuse(oneOf: number): void {
    this.#refuseOneOf = oneOf
    this.#transactions = 0 // the first one is refused: there may be only one, for many appends
  }

  /** The next commit fails when the log is synced: before it was written, or when it is there for all to see. */
  cutNextCommit(where: 'before' | 'after'): void {
    this.#cut = where
  }

  /** The next transaction does all its work and stands before its COMMIT. */
  hold(): { readonly arrived: Promise<void>; release(): Promise<void> } {
    const arrival = gate()
    const released = gate()
    // Without a listener, a kill with nobody held would be an unhandled rejection.
    released.promise.catch(() => {})
    this.#kill = released.reject
    this.#held = { arrived: arrival.resolve, released: released.promise }
    return { arrived: arrival.promise, release: async () => released.resolve() }
  }

  /** Nothing of this handle reaches the file any more, and a transaction that is held is rolled back. */
  kill(): void {
    this.#down = new Error('this process was killed')
    this.#kill?.(this.#down)
  }

  protected override connect(name: string, busyTimeoutMs: number): Connection {
    this.#request()
    return new FaultyConnection(name, busyTimeoutMs, (sql) => {
      this.#request(sql)
      return this.rewrite(sql)
    })
  }

  protected override async commit(connection: Connection): Promise<void> {
    if (this.holdsAt === 'commit') await this.standIfHeld()
    const cut = this.#cut
    this.#cut = undefined
    if (cut !== 'before') super.commit(connection)
    if (cut !== undefined) {
      this.struck++
      throw sqliteError('SQLITE_IOERR_FSYNC', 'disk I/O error')
    }
  }

  /** The statement that is sent in place of this one: for faulty variants of the store. */
  protected rewrite(sql: string): string {
    return sql
  }

  protected async standIfHeld(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    held?.arrived()
    await held?.released
  }

  #request(sql?: string): void {
    this.requests++
    if (this.#down) throw this.#down
    const begins = sql === 'BEGIN IMMEDIATE'
    if (begins && this.#refuseOneOf > 0 && this.#transactions++ % this.#refuseOneOf === 0) {
      this.struck++
      throw sqliteError('SQLITE_BUSY', 'database is locked')
    }
  }
}

class FaultyConnection extends Connection {
  readonly #send: (sql: string) => string

  /** @param send Counts a statement, lets it fail, or gives what is sent in its place. */
  constructor(name: string, busyTimeoutMs: number, send: (sql: string) => string) {
    super(name, busyTimeoutMs)
    this.#send = send
  }

  override exec(sql: string): void {
    super.exec(this.#send(sql))
  }

  override run(sql: string, ...parameters: readonly Parameter[]): number {
    return super.run(this.#send(sql), ...parameters)
  }

  override all(sql: string, ...parameters: readonly Parameter[]): Row[] {
    return super.all(this.#send(sql), ...parameters)
  }
}

/** An error as libsql throws it. */
function sqliteError(code: string, message: string): Error {
  return Object.assign(new Error(message), { name: 'SqliteError', code })
}

/** Promise.withResolvers, which Node 20 does not have. */
function gate() {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const promise = new Promise<void>((open, fail) => {
    resolve = open
    reject = fail
  })
  return { promise, resolve, reject }
}
