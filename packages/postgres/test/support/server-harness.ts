import { fileURLToPath } from 'node:url'
import type { Harness, HookName, Subject } from '@annals/conformance'
import type { StoreOptions } from '@annals/core'
import { type PostgresServer, type PostgresSource, startPostgres } from '@annals/test-servers'
import pg from 'pg'
import { postgresStore } from '../../src/index.js'
import { alterFunction } from './alter-function.js'
import { countingPool } from './counting-client.js'
import { fragileHandle } from './fragile-handle.js'
import { heldWriter } from './held-writer.js'
import { slowHandle } from './slow-handle.js'

const missing: Partial<Record<HookName, string>> = {
  throttledHandle: 'PostgreSQL refuses no request for its rate',
}

/** What makes a store with a defect of one that was just migrated. */
export type Alter = (schema: {
  readonly name: string
  /** Changes one of its functions. */
  change(name: string, from: string | RegExp, to: string): Promise<void>
  run(sql: string): Promise<void>
}) => Promise<void>

export interface ServerHarness extends Harness {
  /** The same with a defect. */
  altered(alter: Alter): Harness
}

/** The store on a real PostgreSQL: one server for all cases, a schema for each. */
export async function serverHarness(source: PostgresSource | 'any'): Promise<ServerHarness> {
  // A killed server replays what it has logged since its last checkpoint; that is to be little.
  const server = await startPostgres({ source, settings: { max_wal_size: '64MB' } })
  const admin = new pg.Pool({ connectionString: server.url, max: 20 })
  admin.on('error', () => {})
  const foreignUrl = await server.createDatabase()
  let cases = 0
  const harness: Harness = {
    name: `PostgreSQL ${server.version} (${server.origin})`,
    missing: {
      ...missing,
      ...(!server.managed && { restartServer: `${server.origin} is not ours to kill` }),
    },
    open: (options) => openSubject(server, admin, foreignUrl, `case_${++cases}`, options),
    async close() {
      await admin.end()
      await server.stop()
    },
  }
  return {
    ...harness,
    altered: (alter) => ({
      ...harness,
      async open(options) {
        const name = `case_${++cases}`
        const subject = await openSubject(server, admin, foreignUrl, name, options)
        await alter({
          name,
          change: (called, from, to) => alterFunction(admin, name, called, from, to),
          run: async (sql) => void (await admin.query(sql)),
        })
        return subject
      },
    }),
  }
}

async function openSubject(
  server: PostgresServer,
  admin: pg.Pool,
  foreignUrl: string,
  schema: string,
  options: StoreOptions = {},
): Promise<Subject> {
  const closing: (() => Promise<unknown>)[] = []
  const open = (more: StoreOptions & { schema?: string; url?: string } = {}) => {
    const { url = server.url, ...rest } = more
    const store = postgresStore({ schema, ...rest, connectionString: url, maxConnections: 5 })
    closing.push(() => store.close())
    return store
  }
  const counting = countingPool({ connectionString: server.url, max: 5 })
  const store = postgresStore({ ...options, pool: counting.pool, schema })
  closing.push(async () => {
    await store.close()
    await counting.pool.end()
  })
  await store.migrate()

  return {
    store,
    openAnother: async (of) => open(of),
    async cleanup() {
      await Promise.all(closing.map((close) => close()))
      await admin.query(`drop schema "${schema}" cascade`)
    },
    async heldWriter() {
      const { writer, close } = await heldWriter(server.url, schema, admin)
      closing.push(close)
      return writer
    },
    async fragileHandle(of) {
      const { handle, close } = await fragileHandle(server.url, schema, of)
      closing.push(close)
      return handle
    },
    async slowHandle(of) {
      const { handle, close } = await slowHandle(server.url, schema, of)
      closing.push(close)
      return handle
    },
    workerStore() {
      const url = new URL(server.url)
      url.searchParams.set('schema', schema)
      return {
        module: fileURLToPath(new URL('../../src/index.ts', import.meta.url)),
        export: 'postgresStoreFromUrl',
        args: url.href,
      }
    },
    ...(server.managed && {
      async restartServer() {
        await server.kill()
        await server.restart()
      },
    }),
    async foreignTransaction() {
      // Both of one kind: in another table, and in another database.
      const clients = [server.url, foreignUrl].map((url) => new pg.Client(url))
      for (const client of clients) {
        client.on('error', () => {})
        await client.connect()
        await client.query('create table if not exists public.somebody_elses (value integer)')
        await client.query('begin')
        await client.query('insert into public.somebody_elses values (1)')
      }
      const end = async () => {
        await Promise.all(clients.splice(0).map((client) => client.end()))
      }
      closing.push(end)
      return { end }
    },
    requestCount: async () => counting.count(),
    async damageSnapshot(streamId) {
      const { rowCount } = await admin.query(
        `update "${schema}".snapshots set encoding = 1, snapshot_data = null, snapshot_bytes = '{"half a' where stream_id = $1`,
        [streamId],
      )
      if (rowCount !== 1) throw new Error(`there is no snapshot of ${streamId} to damage`)
    },
    openUnmigrated: async (of) => open({ ...of, schema: `${schema}_unmigrated` }),
    async openUnprivileged(of) {
      const role = `${schema}_reader`
      await admin.query(`create role "${role}" login`)
      await admin.query(`grant usage on schema "${schema}" to "${role}"`)
      await admin.query(`grant select on all tables in schema "${schema}" to "${role}"`)
      closing.push(async () => {
        await admin.query(`drop owned by "${role}"`)
        await admin.query(`drop role "${role}"`)
      })
      const url = new URL(server.url)
      url.username = role
      return open({ ...of, url: url.href })
    },
  }
}
