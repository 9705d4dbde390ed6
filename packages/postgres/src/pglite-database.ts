import { mkdir } from 'node:fs/promises'
import { UnsupportedError } from '@annals/core'
import type { Database, Queryable, Row, Session, Statement, Value } from './database.js'
import type { PGliteLike, PGliteTransaction } from './options.js'

/** PGlite: PostgreSQL inside this process, with one connection that it shares out itself. */
export class PGliteDatabase implements Database {
  readonly shared = false
  readonly #source: string | PGliteLike
  #opened: Promise<PGliteLike> | undefined

  constructor(source: string | PGliteLike) {
    this.#source = source
  }

  /** Two stores on one folder cannot be: PGlite is the folder's only user. */
  get identity(): object {
    return typeof this.#source === 'string' ? this : this.#source
  }

  async rows(statement: Statement, values: readonly Value[]): Promise<readonly Row[]> {
    const rows = await send(await this.#open(), statement.text, values)
    // PGlite answers within the turn of the event loop: a loop of reads would let no timer and no other I/O have its turn.
    await new Promise((resolve) => setImmediate(resolve))
    return rows
  }

  async transaction<T>(begin: string, work: (session: Session) => Promise<T>): Promise<T> {
    const db = await this.#open()
    return db.transaction(async (transaction) => {
      // PGlite has sent BEGIN itself.
      await transaction.exec(begin.replace(/^begin[^;]*;/, ''))
      return work({
        client: transaction,
        script: async (text) => {
          await transaction.exec(text)
        },
        rows: (statement, values) => send(transaction, statement.text, values),
      })
    })
  }

  through(client: unknown): Queryable {
    return {
      rows: (statement, values) => send(client as PGliteTransaction, statement.text, values),
    }
  }

  async close(): Promise<void> {
    if (typeof this.#source !== 'string') return
    const db = await this.#opened?.catch(() => undefined)
    await db?.close()
  }

  #open(): Promise<PGliteLike> {
    this.#opened ??=
      typeof this.#source === 'string' ? create(this.#source) : Promise.resolve(this.#source)
    this.#opened.catch(() => {
      this.#opened = undefined
    })
    return this.#opened
  }
}

async function create(dataDir: string): Promise<PGliteLike> {
  let PGlite: { create(dataDir: string): Promise<unknown> }
  try {
    ;({ PGlite } = await import('@electric-sql/pglite'))
  } catch (error) {
    throw new UnsupportedError(
      'PGlite without its package',
      'install it beside this one: npm install @electric-sql/pglite',
      { cause: error },
    )
  }
  // PGlite makes the folder itself, but not the folders above it.
  if (!/^[a-z]+:\/\//i.test(dataDir)) await mkdir(dataDir, { recursive: true })
  return (await PGlite.create(dataDir)) as PGliteLike
}

async function send(
  client: PGliteTransaction,
  text: string,
  values: readonly Value[],
): Promise<readonly Row[]> {
  const { rows } = await client.query(text, values as Value[], { rowMode: 'array', parsers })
  return rows as Row[]
}

/** The types that the store's statements give; each stays the text it is. */
const parsers = Object.fromEntries(
  // bool, int8, int2, int4, text, oid, float8, timestamptz, numeric, uuid, jsonb, xid8, text[]
  [16, 20, 21, 23, 25, 26, 701, 1184, 1700, 2950, 3802, 5069, 1009].map((oid) => [
    oid,
    (value: string) => value,
  ]),
)
