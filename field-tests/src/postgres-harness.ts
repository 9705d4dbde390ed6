import type { Harness, HookName, Subject } from '@annals/conformance'
import { createEventStore, type EventStore, type StoreOptions } from '@annals/core'
import { startPostgres } from '@annals/test-servers'
import pg from 'pg'
import { heldWriter } from './held-writer.js'
import { type Manner, type Published, publishedDriver } from './published.js'

/** Hooks that no harness here has, and why. */
export const unused: Partial<Record<HookName, string>> = {
  fragileHandle: 'none of these stores says what a lost connection means to an append',
  slowHandle: 'none of these stores says what a connection without an answer means to an append',
  throttledHandle: 'none of these databases refuses requests for their rate',
  workerStore: 'these stores are examined by cases and by workers of one process',
  restartServer: 'durability is the database’s and is not examined here',
  requestCount: 'none of these stores says how much it sends',
  damageSnapshot: 'snapshots are not examined here',
  openUnmigrated: 'errors of a missing schema are not examined here',
  openUnprivileged: 'errors of missing rights are not examined here',
}

export interface PostgresStore {
  readonly name: string
  /** Makes its tables in an empty database, as its documentation says. */
  prepare(url: string): Promise<void>
  open(url: string): Promise<Published>
  /** Whether its appends end with a COMMIT that can be held. */
  readonly commits: boolean
}

/** A published store on one real PostgreSQL, with a database for each case. */
export async function postgresHarness(store: PostgresStore, manner: Manner): Promise<Harness> {
  const server = await startPostgres({ announce: false })
  return {
    name: `${store.name} on PostgreSQL ${server.version}`,
    missing: {
      ...unused,
      ...(!store.commits && {
        heldWriter: 'its appends are single statements; there is no commit',
      }),
    },
    async open(options) {
      const url = await server.createDatabase()
      await store.prepare(url)
      return subject(store, manner, url, options, () =>
        server.dropDatabase(new URL(url).pathname.slice(1)),
      )
    },
    close: () => server.stop(),
  }
}

async function subject(
  store: PostgresStore,
  manner: Manner,
  url: string,
  options: StoreOptions | undefined,
  drop: () => Promise<void>,
): Promise<Subject> {
  const closing: (() => Promise<unknown>)[] = []
  const openAt = async (at: string, of?: StoreOptions): Promise<EventStore> => {
    const opened = createEventStore(publishedDriver(await store.open(at), manner), of)
    closing.push(() => opened.close())
    return opened
  }
  return {
    store: await openAt(url, options),
    openAnother: (of) => openAt(url, of),
    async cleanup() {
      await Promise.all(closing.map((close) => close()))
      await drop()
    },
    ...(store.commits && {
      async heldWriter() {
        const { writer, close } = await heldWriter(url, (at) => openAt(at))
        closing.unshift(close)
        return writer
      },
    }),
    async foreignTransaction() {
      const client = new pg.Client(url.replace(/\/[^/]*$/, '/postgres'))
      client.on('error', () => {})
      await client.connect()
      await client.query('create temporary table somebody_elses (value integer)')
      await client.query('begin')
      await client.query('insert into somebody_elses values (1)')
      const end = async () => client.end()
      closing.push(end)
      return { end }
    },
  }
}
