import {
  type AppendRequest,
  type AppendResult,
  DriverEventStore,
  type EventStore,
  InvalidArgumentError,
  isEventStoreError,
  type NewEvent,
  UnknownOutcomeError,
} from '@annals/core'
import { codeOf, decideTogether, send } from './append.js'
import { sqlStates } from './append-functions.js'
import {
  CommitUnknownError,
  type Database,
  GivenUpError,
  patienceMs,
  type Queryable,
} from './database.js'
import {
  defaultSchema,
  type PGliteLike,
  type PGliteTransaction,
  type PgClient,
  type PgPool,
  type PostgresStoreOptions,
} from './options.js'
import { PgDatabase } from './pg-database.js'
import { PGliteDatabase } from './pglite-database.js'
import { PostgresDriver } from './postgres-driver.js'
import { schemaName } from './schema-name.js'
import type {
  JoinedTransaction,
  StoreTransaction,
  TransactionAppends,
  TransactionOptions,
} from './transaction.js'

/** An event store on PostgreSQL. `Client` is what `transaction` gives for the caller's own statements. */
export interface PostgresEventStore<Client = PgClient> extends EventStore {
  /**
   * Runs `work` in one transaction, so that events and the caller's own rows commit together or not at all. It is rolled back
   * where `work` rejects, and committed at READ COMMITTED where it resolves.
   *
   * `work` may run more than once: a transaction that PostgreSQL gave up (serialization failure, deadlock), or that began
   * before another one that has written to the same stream, has done nothing and is run again, as often as
   * `retryBudgetMs` allows. So it must do nothing outside the transaction that cannot be done again.
   *
   * @throws UNKNOWN_OUTCOME where the connection was lost while committing. With event ids of your own and numeric
   *   expectations, running the same work again appends nothing twice.
   */
  transaction<T>(
    work: (transaction: StoreTransaction<Client>) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>
  /**
   * Makes appends part of a transaction that is already open on `client`. It must not have written anything yet: join
   * right after BEGIN.
   * @throws INVALID_ARGUMENT where it has: readers may already have passed its place in the global order.
   */
  join(client: Client): Promise<JoinedTransaction>
}

/**
 * Opens an event store on PostgreSQL 13 or later, or on PGlite. Nothing is sent before the first call; `migrate()` creates
 * the tables.
 */
export function postgresStore(
  options: PostgresStoreOptions & { readonly pglite: string | PGliteLike },
): PostgresEventStore<PGliteTransaction>
export function postgresStore<C extends PgClient = PgClient>(
  options: PostgresStoreOptions & { readonly pool: { connect(): Promise<C> } & PgPool },
): PostgresEventStore<C>
export function postgresStore(options: PostgresStoreOptions): PostgresEventStore
export function postgresStore(options: PostgresStoreOptions): PostgresEventStore<never> {
  return new PostgresStore(options)
}

const defaultIdleTimeoutMs = 60_000

class PostgresStore extends DriverEventStore implements PostgresEventStore<never> {
  readonly #driver: PostgresDriver
  readonly #idleTimeoutMs: number
  readonly #budgetMs: number

  constructor(options: PostgresStoreOptions) {
    const { transactionIdleTimeoutMs = defaultIdleTimeoutMs } = options
    if (!Number.isSafeInteger(transactionIdleTimeoutMs) || transactionIdleTimeoutMs < 0) {
      throw new InvalidArgumentError(
        'transactionIdleTimeoutMs',
        'must be a whole number of milliseconds; 0 sets no limit',
      )
    }
    const driver = new PostgresDriver(
      openDatabase(options),
      schemaName(options.schema ?? defaultSchema),
      options.listen ?? true,
    )
    super(driver, options)
    this.#driver = driver
    this.#idleTimeoutMs = transactionIdleTimeoutMs
    this.#budgetMs = options.retryBudgetMs ?? 10_000
  }

  transaction<T>(
    work: (transaction: StoreTransaction<never>) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const driver = this.#driver
    const written: AppendRequest[] = []
    // What an append met, also where `work` hides it in an error of its own.
    let met: unknown
    // What `work` rejected with: it reaches the caller as it is.
    let own: { readonly error: unknown } | undefined
    const once = () =>
      driver.database.transaction(this.#begin(), async (session) => {
        written.length = 0
        met = undefined
        own = undefined
        const appends = this.#appends(
          session,
          (request) => written.push(request),
          (failure) => {
            met = failure
          },
        )
        try {
          return await work({ client: session.client as never, ...appends })
        } catch (error) {
          own = { error }
          throw error
        }
      })
    return this.run('transaction', options.signal, async (scope) => {
      await this.#translating(() => driver.checkSchema(scope.signal))
      const deadline = performance.now() + this.#budgetMs
      for (let attempt = 0; ; attempt++) {
        try {
          const result = await once()
          this.#committed()
          return result
        } catch (error) {
          if (error instanceof CommitUnknownError) {
            throw new UnknownOutcomeError(
              written[0]?.streamId ?? '',
              written.flatMap(({ events }) => events.map(({ id }) => id)),
              { cause: error.cause },
            )
          }
          const again = (await this.#mayRunAgain(error)) || (await this.#mayRunAgain(met))
          if (!again || performance.now() > deadline) {
            throw own && own.error === error ? error : this.#translated(error)
          }
          await scope.sleep(Math.random() * Math.min(1000, 5 * 2 ** attempt))
        }
      }
    })
  }

  async join(client: never): Promise<JoinedTransaction> {
    this.assertOpen()
    const driver = this.#driver
    const session = driver.database.through(client)
    await this.#translating(async () => {
      await driver.checkSchema(AbortSignal.timeout(patienceMs))
      await session.rows({ text: `select ${driver.schema.sql}.enter()` }, [])
    })
    return { ...this.#appends(session), committed: () => this.#committed() }
  }

  /** The lock first, so that nothing can get an xid before it. All of it is local to the transaction. */
  #begin(): string {
    return `begin isolation level read committed; set local idle_in_transaction_session_timeout = ${this.#idleTimeoutMs}; select ${this.#driver.schema.sql}.enter();`
  }

  #appends(
    session: Queryable,
    onWrite: (request: AppendRequest) => void = () => {},
    onFailure: (failure: unknown) => void = () => {},
  ): TransactionAppends {
    const { schema } = this.#driver
    const write = async (requests: readonly AppendRequest[]): Promise<readonly AppendResult[]> => {
      for (const request of requests) onWrite(request)
      try {
        const decisions = await send(session, schema, requests, { atomic: true, joined: true })
        return decideTogether(requests, decisions)
      } catch (failure) {
        onFailure(failure)
        throw this.#translated(failure)
      }
    }
    return {
      append: async (streamId, events, options = {}) => {
        this.assertOpen()
        const { expectedVersion } = options
        const [result] = await write([
          this.prepareAppend(streamId, events as readonly NewEvent[], expectedVersion),
        ])
        return result!
      },
      appendToStreams: async (appends) => {
        this.assertOpen()
        return write(this.prepareAppends(appends))
      },
    }
  }

  /** Whether the transaction was rolled back for a reason that a new one need not meet again. */
  async #mayRunAgain(error: unknown): Promise<boolean> {
    // An error of ours carries the server's as its cause.
    const cause = isEventStoreError(error) ? error.cause : error
    switch (codeOf(cause)) {
      case '40001':
      case '40P01':
        return true
      case sqlStates.newEpoch:
        await this.#driver.database.rows(
          { text: `select ${this.#driver.schema.sql}.start_epoch()` },
          [],
          AbortSignal.timeout(patienceMs),
        )
        return true
      default:
        return false
    }
  }

  #committed(): void {
    this.wroteEvents()
    this.#driver.notifications.wrote()
  }

  async #translating<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.#translated(error)
    }
  }

  /** Errors of the database as the contract has them; the caller's own pass unchanged. */
  #translated(error: unknown): unknown {
    const ours = error instanceof GivenUpError || codeOf(error) !== undefined
    if (isEventStoreError(error) || !ours) return error
    return this.#driver.translateError(error).error
  }
}

function openDatabase(options: PostgresStoreOptions): Database {
  const given = (['pool', 'connectionString', 'pglite'] as const).filter(
    (name) => options[name] !== undefined,
  )
  if (given.length !== 1) {
    throw new InvalidArgumentError(
      'options',
      `must hold exactly one of pool, connectionString and pglite, not ${given.join(' and ') || 'none'}`,
    )
  }
  if (options.pglite !== undefined) return new PGliteDatabase(options.pglite)
  const prepare = options.prepare ?? true
  return options.pool !== undefined
    ? new PgDatabase(options.pool, { prepare, owned: false })
    : PgDatabase.connect(options.connectionString, {
        prepare,
        max: options.maxConnections ?? 10,
        attemptTimeoutMs: options.attemptTimeoutMs ?? Number.POSITIVE_INFINITY,
      })
}
