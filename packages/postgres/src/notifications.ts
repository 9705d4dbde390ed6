import { randomUUID } from 'node:crypto'
import type { Release } from '@annals/core'
import type { Database } from './database.js'
import type { SchemaName } from './schema-name.js'

/** At most one NOTIFY in this time, however many appends there were. */
const intervalMs = 50
/** How long a notification may take: it is not worth a connection for longer, as polling serves. */
const answerPatienceMs = 2000

/** A notification that is lost with the server costs nothing, so its commit need not wait for the disk. */
const notify = `select pg_notify($1, $2), set_config('synchronous_commit', 'off', true)`

interface Watcher {
  readonly onNews: () => void
  readonly onLost: (error: unknown) => void
}

/**
 * Wakes subscriptions, never as part of an append: a NOTIFY takes a lock of the whole server when its transaction commits
 * (https://www.postgresql.org/docs/current/sql-notify.html), so one in each append would put all commits into one queue.
 * Instead one is sent after commits, a bounded number of times a second, and polling catches what is lost on the way.
 *
 * Stores of this process over the same pool or PGlite wake each other without the database.
 */
export class Notifications {
  readonly #database: Database
  readonly #schema: SchemaName
  readonly #remote: boolean
  readonly #watchers = new Set<Watcher>()
  #lastSent = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> = Promise.resolve()
  #listening: Promise<Release> | undefined

  constructor(database: Database, schema: SchemaName, enabled: boolean) {
    this.#database = database
    this.#schema = schema
    this.#remote = enabled && database.shared && database.listen !== undefined
  }

  /** Something was committed. */
  wrote(): void {
    this.#wakeNeighbours()
    if (!this.#remote || this.#timer !== undefined) return
    const wait = this.#lastSent + intervalMs - performance.now()
    if (wait <= 0) {
      this.#send()
      return
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#send()
    }, wait)
    this.#timer.unref()
  }

  async watch(onNews: () => void, onLost: (error: unknown) => void): Promise<Release> {
    const watcher = { onNews, onLost }
    this.#watchers.add(watcher)
    this.#neighbours().add(onNews)
    const leave = async () => {
      this.#neighbours().delete(onNews)
      if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return
      await this.#stopListening()
    }
    if (this.#remote) {
      this.#listening ??= this.#listen()
      await this.#listening.catch(async (error) => {
        this.#listening = undefined
        await leave()
        throw error
      })
    }
    return leave
  }

  async close(): Promise<void> {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#send()
    }
    await this.#sending
    await this.#stopListening()
  }

  #send(): void {
    this.#lastSent = performance.now()
    this.#sending = this.#database
      .rows(
        { text: notify, prepared: true },
        [this.#schema.channel, ''],
        AbortSignal.timeout(answerPatienceMs),
      )
      .then(
        () => {},
        () => {}, // polling serves
      )
  }

  async #listen(): Promise<Release> {
    const token = randomUUID()
    let arrived: () => void = () => {}
    const test = new Promise<boolean>((resolve) => {
      arrived = () => resolve(true)
    })
    const stop = await this.#database.listen!(
      this.#schema.channel,
      (payload) => {
        if (payload === token) arrived()
        else for (const { onNews } of this.#watchers) onNews()
      },
      (error) => {
        this.#listening = undefined
        for (const watcher of [...this.#watchers]) {
          this.#watchers.delete(watcher)
          this.#neighbours().delete(watcher.onNews)
          watcher.onLost(error)
        }
      },
    )
    // A proxy that pools transactions takes a LISTEN and never passes a notification on.
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, answerPatienceMs, false).unref()
    })
    try {
      await this.#database.rows(
        { text: notify, prepared: true },
        [this.#schema.channel, token],
        AbortSignal.timeout(answerPatienceMs),
      )
      if (await Promise.race([test, patience])) return stop
    } catch (error) {
      await stop()
      throw error
    } finally {
      clearTimeout(timer)
    }
    // Nothing to listen to: the connection is given back, and polling serves for as long as the store lives.
    await stop()
    return () => {}
  }

  async #stopListening(): Promise<void> {
    const listening = this.#listening
    this.#listening = undefined
    await (await listening?.catch(() => undefined))?.()
  }

  #neighbours(): Set<() => void> {
    const { identity } = this.#database
    const schemas = neighbours.get(identity) ?? new Map<string, Set<() => void>>()
    neighbours.set(identity, schemas)
    const set = schemas.get(this.#schema.name) ?? new Set()
    schemas.set(this.#schema.name, set)
    return set
  }

  #wakeNeighbours(): void {
    for (const wake of this.#neighbours()) wake()
  }
}

const neighbours = new WeakMap<object, Map<string, Set<() => void>>>()
