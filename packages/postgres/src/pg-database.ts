import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import pg from 'pg'
import {
  CommitUnknownError,
  type Database,
  patienceMs,
  type Queryable,
  type Row,
  type Session,
  type Statement,
  type Value,
} from './database.js'
import type { PgClient, PgPool, PgPoolClient } from './options.js'

export interface PgDatabaseOptions {
  readonly prepare: boolean
  /** The pool is the store's own, to be closed. */
  readonly owned: boolean
}

/** PostgreSQL through a `pg` pool, or anything like it. */
export class PgDatabase implements Database {
  readonly shared = true
  readonly #pool: () => PgPool
  readonly #owned: boolean
  #opened: PgPool | undefined
  #prepare: boolean

  constructor(pool: PgPool | (() => PgPool), options: PgDatabaseOptions) {
    this.#pool = typeof pool === 'function' ? pool : () => pool
    this.#owned = options.owned
    this.#prepare = options.prepare
  }

  static connect(
    connectionString: string,
    options: { readonly max: number; readonly prepare: boolean; readonly attemptTimeoutMs: number },
  ): PgDatabase {
    const { max, prepare, attemptTimeoutMs } = options
    const open = () =>
      new pg.Pool({
        connectionString,
        max,
        application_name: 'annals',
        // A connection whose other end goes while it is made would keep its place in the pool for ever. A second is left
        // to make it even where an attempt gets less, so that the next attempt finds it made.
        connectionTimeoutMillis: Math.min(patienceMs, Math.max(1000, attemptTimeoutMs)),
      }) as unknown as PgPool
    return new PgDatabase(open, { prepare, owned: true })
  }

  get identity(): object {
    return this.#open()
  }

  async rows(
    statement: Statement,
    values: readonly Value[],
    signal?: AbortSignal,
  ): Promise<readonly Row[]> {
    if (!this.#prepare || statement.prepared !== true) {
      return this.#send(statement.text, values, undefined, signal)
    }
    try {
      return await this.#send(statement.text, values, nameOf(statement.text), signal)
    } catch (error) {
      if (!isPreparedElsewhere(error)) throw error
      // The statement did not run. Behind a proxy that gives each transaction another connection it will never do.
      this.#prepare = false
      return this.#send(statement.text, values, undefined, signal)
    }
  }

  /**
   * One statement on a connection of the pool. One whose answer nobody waits for any more gets a moment to end by itself;
   * then its connection is closed rather than waited for, as its other end may be gone without a word.
   */
  async #send(
    text: string,
    values: readonly Value[],
    name: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<readonly Row[]> {
    if (signal === undefined) return send(this.#open(), text, values, name)
    signal.throwIfAborted()
    const client = await connect(this.#open(), signal)
    const lost = watchErrors(client)
    let released = false
    const release = (error?: Error) => {
      if (released) return
      released = true
      lost.stop()
      client.release(error)
    }
    const answer = send(client, text, values, name)
    answer.then(
      () => release(lost.error),
      (error: unknown) => release(isAnswer(error) ? lost.error : asError(error)),
    )
    try {
      return await abandonable(answer, signal)
    } finally {
      if (signal.aborted && !released) {
        setTimeout(() => release(new Error('abandoned')), abandonAfterMs).unref()
      }
    }
  }

  async transaction<T>(begin: string, work: (session: Session) => Promise<T>): Promise<T> {
    const client = await this.#open().connect()
    const lost = watchErrors(client)
    let failure: unknown
    try {
      await abandonable(client.query(begin), AbortSignal.timeout(patienceMs))
      const result = await work({
        client,
        script: async (text) => {
          await client.query(text)
        },
        // Never by name: a failure of it would end the transaction.
        rows: (statement, values) => send(client, statement.text, values, undefined),
      })
      if (lost.error !== undefined) throw lost.error
      await commit(client)
      return result
    } catch (error) {
      failure = error
      if (!(error instanceof CommitUnknownError)) {
        const rollback = client.query('rollback')
        await abandonable(rollback, AbortSignal.timeout(patienceMs)).then(
          () => {
            failure = undefined // the connection is as good as new
          },
          () => {},
        )
      }
      throw error
    } finally {
      lost.stop()
      client.release(failure === undefined ? lost.error : asError(failure))
    }
  }

  through(client: unknown): Queryable {
    return {
      rows: (statement, values) => send(client as PgClient, statement.text, values, undefined),
    }
  }

  async listen(
    channel: string,
    onMessage: (payload: string) => void,
    onLost: (error: unknown) => void,
  ): Promise<() => Promise<void>> {
    const client = await this.#listener()
    let ended = false
    const lose = (error: unknown) => {
      if (ended) return
      ended = true
      client.release()
      onLost(error)
    }
    client.emitter.on('notification', (message: { channel: string; payload?: string }) => {
      if (message.channel === channel) onMessage(message.payload ?? '')
    })
    client.emitter.on('error', lose)
    client.emitter.on('end', () => lose(new Error('the listening connection has ended')))
    try {
      await abandonable(
        client.query(`listen ${pg.escapeIdentifier(channel)}`),
        AbortSignal.timeout(patienceMs),
      )
    } catch (error) {
      ended = true
      client.release()
      throw error
    }
    return async () => {
      if (ended) return
      ended = true
      await client.release()
    }
  }

  async close(): Promise<void> {
    const pool = this.#opened
    this.#opened = undefined
    // Our own pool keeps its listener: its connections may still tell of an error while they end.
    if (this.#owned) await (pool as (PgPool & { end(): Promise<void> }) | undefined)?.end()
    else if (pool instanceof EventEmitter) pool.off('error', ignore)
  }

  #open(): PgPool {
    if (this.#opened === undefined) {
      this.#opened = this.#pool()
      // A pool tells of idle connections that broke; without a listener that would end the process
      // (https://node-postgres.com/apis/pool#events). The pool has already replaced them.
      if (this.#opened instanceof EventEmitter) this.#opened.on('error', ignore)
    }
    return this.#opened
  }

  /** A connection that is not the pool's, so that a small pool is not a connection smaller; else one of the pool's. */
  async #listener() {
    const pool = this.#open()
    if (isPgPool(pool)) {
      const { connectionTimeoutMillis = patienceMs } = pool.options
      const client = new pool.Client({ ...pool.options, connectionTimeoutMillis })
      client.on('error', ignore)
      await client.connect()
      return {
        emitter: client as EventEmitter,
        query: (text: string) => client.query(text),
        release: () => endInTime(client),
      }
    }
    const client = await connect(pool, AbortSignal.timeout(patienceMs))
    if (!(client instanceof EventEmitter)) {
      client.release()
      throw new Error('this client does not tell of notifications')
    }
    return {
      emitter: client as EventEmitter,
      query: (text: string) => client.query(text),
      release: async () => client.release(true),
    }
  }
}

/** How long an abandoned statement, or a goodbye, may go on before its connection is closed. */
const abandonAfterMs = 1000

/** Ends a connection in good order; one whose other end is gone without a word would never be done with it. */
async function endInTime(client: pg.Client): Promise<void> {
  const { connection } = client as unknown as { connection?: { stream?: { destroy(): void } } }
  const timer = setTimeout(() => connection?.stream?.destroy(), abandonAfterMs)
  await client.end().catch(ignore)
  clearTimeout(timer)
}

/** A connection of the pool; one that comes too late goes back. */
async function connect(pool: PgPool, signal: AbortSignal): Promise<PgPoolClient> {
  const connecting = pool.connect()
  return abandonable(connecting, signal).catch((error: unknown) => {
    connecting.then((late) => late.release(), ignore)
    throw error
  })
}

/** The promise's result, or the signal's reason as soon as it aborts. */
function abandonable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** `pg`'s own Pool, of whichever copy of `pg`: it knows how to make a connection like its own. */
function isPgPool(pool: object): pool is {
  readonly Client: typeof pg.Client
  readonly options: pg.ClientConfig
} {
  return (
    'Client' in pool &&
    typeof pool.Client === 'function' &&
    'options' in pool &&
    typeof pool.options === 'object'
  )
}

async function send(
  client: PgClient,
  text: string,
  values: readonly Value[],
  name: string | undefined,
): Promise<readonly Row[]> {
  const config = { text, values, rowMode: 'array', types: rawTypes, ...(name && { name }) }
  const { rows } = await client.query(config as unknown as string)
  return rows as Row[]
}

/** A name stands for one text, whoever uses it, so that it can never run another one. */
function nameOf(text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = `annals_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`
    names.set(text, name)
  }
  return name
}

const names = new Map<string, string>()

/** Values stay the text that the server sent. */
const rawTypes = { getTypeParser: () => (value: string) => value }

async function commit(client: PgPoolClient): Promise<void> {
  try {
    const result = (await client.query('commit')) as { command?: string }
    // PostgreSQL answers COMMIT with ROLLBACK where a statement of the transaction had failed.
    if (result.command === 'ROLLBACK') {
      throw Object.assign(
        new Error('A statement of the transaction had failed, so it was rolled back.'),
        { code: '25P02', severity: 'ERROR' },
      )
    }
  } catch (error) {
    if (isAnswer(error)) throw error
    throw new CommitUnknownError({ cause: error })
  }
}

/** Whether the server itself answered with this error, and is still there. */
function isAnswer(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'severity' in error &&
    'code' in error &&
    !/^57P0|^08/.test(String(error.code))
  )
}

/**
 * The names are the same text everywhere, so one that another client prepared through the same proxy is not an error
 * of meaning; one that is not there, or is there already, or was prepared before an upgrade, is no more than refused.
 */
function isPreparedElsewhere(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return (
    code === '26000' ||
    code === '42P05' ||
    (code === '0A000' && String(message).includes('cached plan'))
  )
}

/** A connection that breaks while nothing is being sent tells so by an event, which must have a listener. */
function watchErrors(client: PgPoolClient): { readonly error: Error | undefined; stop(): void } {
  let error: Error | undefined
  const listener = (reason: Error) => {
    error ??= reason
  }
  if (client instanceof EventEmitter) client.on('error', listener)
  return {
    get error() {
      return error
    },
    stop: () => {
      if (client instanceof EventEmitter) client.off('error', listener)
    },
  }
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value))
}

function ignore(): void {}
