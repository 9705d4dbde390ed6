import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { InvalidArgumentError, SchemaMissingError } from '@annals/core'
import { Connection } from './connection.js'
import { assertSchema } from './schema.js'

/** What a connection is for: reading, writing, or making the tables. */
type Role = 'reader' | 'writer' | 'migration'

export interface SqliteFileOptions {
  /** Default: false. */
  readonly readOnly?: boolean | undefined
  /**
   * For how long a write waits, synchronously, for the commit of another process, in milliseconds. Default: 10, about what
   * a commit takes; who waits longer is refused (SQLITE_BUSY) and repeated by core, and the process breathes meanwhile.
   */
  readonly busyTimeoutMs?: number | undefined
}

/** COMMIT failed with an error of the disk: the transaction may be in the log. Only here is a write's outcome unknown. */
export class CommitFailed extends Error {
  constructor(cause: unknown) {
    super('COMMIT failed', { cause })
  }
}

/**
 * A database file as one handle sees it: a connection that reads and one that writes, each opened when it is first needed.
 * Two, because a connection sees the uncommitted writes of its own transaction, and no reader may.
 */
export class SqliteFile {
  readonly path: string
  readonly #readOnly: boolean
  readonly #busyTimeoutMs: number
  #reader: Connection | undefined
  #writer: Connection | undefined
  #lastWrite: Promise<unknown> = Promise.resolve()

  /** @throws INVALID_ARGUMENT for what is no path of a file. */
  constructor(path: string, options: SqliteFileOptions = {}) {
    if (path === '' || path === ':memory:') {
      throw new InvalidArgumentError(
        'file',
        'must be the path of a file: two connections to a database in memory see two databases; for memory take memoryStore()',
      )
    }
    this.path = resolve(path)
    this.#readOnly = options.readOnly ?? false
    this.#busyTimeoutMs = options.busyTimeoutMs ?? 10
  }

  /** The connection that reads. Each of its statements sees all that was committed before it began. */
  get reader(): Connection {
    this.#reader ??= this.#open('reader')
    return this.#reader
  }

  /**
   * A write transaction. BEGIN IMMEDIATE takes the file's one write lock, before anything is read: so transactions run one
   * after the other, over all processes, and what `work` reads holds until its COMMIT.
   */
  async write<T>(work: (connection: Connection) => T): Promise<T> {
    // One at a time on this connection, also when a commit is made to wait.
    const result = this.#lastWrite.then(() => this.#transaction(work))
    this.#lastWrite = result.catch(() => {})
    return result
  }

  /** The connection for `migrate()`, which alone may create the file. Who asks closes it. */
  openForMigration(): Connection {
    return this.#open('migration')
  }

  close(): void {
    this.#reader?.close()
    this.#writer?.close()
    this.#reader = undefined
    this.#writer = undefined
  }

  /**
   * Opens a connection. To override where a connection should do more.
   * @param name The file's path, or the URI that opens it for reading only.
   */
  protected connect(name: string, busyTimeoutMs: number): Connection {
    return new Connection(name, busyTimeoutMs)
  }

  /** Commits. To override where a commit should wait or fail. */
  protected commit(connection: Connection): void | Promise<void> {
    connection.exec('COMMIT')
  }

  async #transaction<T>(work: (connection: Connection) => T): Promise<T> {
    this.#writer ??= this.#open('writer')
    const writer = this.#writer
    writer.exec('BEGIN IMMEDIATE')
    let committing = false
    try {
      const result = work(writer)
      committing = true
      await this.commit(writer)
      return result
    } catch (error) {
      // Whatever state an error of the disk has left this connection in, the next write begins with a new one.
      this.#writer = undefined
      writer.close()
      throw committing ? new CommitFailed(error) : error
    }
  }

  #open(role: Role): Connection {
    if (role !== 'migration' && !existsSync(this.path)) {
      throw new SchemaMissingError(`There is no file ${this.path}: call migrate().`)
    }
    const name = this.#readOnly ? `${pathToFileURL(this.path).href}?mode=ro` : this.path
    const connection = this.connect(name, this.#busyTimeoutMs)
    try {
      // Syncs the log at each commit, so that an acknowledged append survives the loss of power. It is a setting of the
      // connection: the file does not remember it.
      connection.exec('PRAGMA synchronous = FULL')
      if (role === 'reader') connection.exec('PRAGMA query_only = ON')
      if (role !== 'migration') assertSchema(connection, this.path)
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }
}
