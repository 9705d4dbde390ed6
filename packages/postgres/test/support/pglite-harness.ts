import type { Harness } from '@annals/conformance'
import { PGlite } from '@electric-sql/pglite'
import { type PGliteLike, postgresStore } from '../../src/index.js'

/**
 * How many cases share an instance. A database process keeps the plans of functions whose schema is gone, and looks
 * through all of them at each change of a table: measured, a case's schema costs 0.04 s in a fresh instance and 0.5 s
 * after 700 others. A new instance costs about a second.
 */
const casesOfAnInstance = 50

/** The store on PGlite: a schema for each case, in an instance that some cases share. */
export async function pgliteHarness(): Promise<Harness> {
  const start = async () => ({ db: await PGlite.create('memory://'), cases: 0, open: 0 })
  let latest = await start()
  const { rows } = await latest.db.query<{ server_version: string }>('show server_version')
  return {
    name: `PGlite (PostgreSQL ${rows[0]?.server_version} in this process)`,
    missing: {
      heldWriter: 'PGlite has one connection: while a transaction is open nobody else reads',
      fragileHandle: 'there is no connection to cut: PGlite runs in this process',
      slowHandle: 'there is no connection that could be slow: PGlite runs in this process',
      throttledHandle: 'PGlite refuses no request for its rate',
      workerStore: 'PGlite and its data live in this process; no other can open them',
      restartServer:
        'there is no server to kill: PGlite ends with this process (its own test reopens a folder)',
      foreignTransaction: 'PGlite has one connection: nobody else can have a transaction open',
      openUnprivileged: 'PGlite has one user, who may do everything',
    },
    async open(options = {}) {
      if (latest.cases >= casesOfAnInstance && latest.open === 0) {
        await latest.db.close()
        latest = await start()
      }
      const instance = latest
      const { db } = instance
      instance.open++
      const schema = `case_${++instance.cases}`
      let requests = 0
      const counting: PGliteLike = {
        query: (text, values, of) => {
          requests++
          return db.query(text, values, of)
        },
        exec: (text) => {
          requests++
          return db.exec(text)
        },
        transaction: (work) => {
          requests++
          return db.transaction((transaction) => work(transaction)) as never
        },
        close: () => db.close(),
      }
      const store = postgresStore({ ...options, pglite: counting, schema })
      const closing = [() => store.close()]
      const open = (of: Parameters<typeof postgresStore>[0]) => {
        const another = postgresStore(of)
        closing.push(() => another.close())
        return another
      }
      await store.migrate()
      return {
        store,
        openAnother: async (of = {}) => open({ ...of, pglite: db, schema }),
        async cleanup() {
          await Promise.all(closing.map((close) => close()))
          await db.exec(`drop schema "${schema}" cascade`)
          instance.open--
        },
        requestCount: async () => requests,
        async damageSnapshot(streamId) {
          await db.query(
            `update "${schema}".snapshots set encoding = 1, snapshot_data = null, snapshot_bytes = '{"half a' where stream_id = $1`,
            [streamId],
          )
        },
        openUnmigrated: async (of = {}) =>
          open({ ...of, pglite: db, schema: `${schema}_unmigrated` }),
      }
    },
    close: () => latest.db.close(),
  }
}
