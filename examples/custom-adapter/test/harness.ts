import type { Harness, Subject } from '@annals/conformance'
import type { EventStore, StoreOptions } from '@annals/core'
import Database from 'libsql'
import { type SqliteStoreOptions, sqliteStore } from '../src/index.js'
import { FaultyFile } from './support/faulty-file.js'
import { temporaryFolder } from './support/folder.js'

type Size = SqliteStoreOptions['pageSize']

/**
 * @param File A faulty variant of the store, to see that the suite finds it.
 * @param pageSize Small pages, so that even a few events are many of them.
 */
export function sqliteHarness(File: typeof FaultyFile = FaultyFile, pageSize?: Size): Harness {
  const [version] = new Database(':memory:').prepare('SELECT sqlite_version()').raw().get() as [
    string,
  ]
  return {
    name: `SQLite ${version} (libsql, a file in WAL mode)`,
    open: (options) => open(File, pageSize, options),
    missing: {
      restartServer:
        'there is no server: SQLite runs in the process, and the suite has one of its own. kill-nine.test.ts kills a writing process and opens the file again',
      foreignTransaction:
        'a file has one writer at a time, so that a transaction of somebody else in the same file stops the appends themselves, not the readers (sqlite-file.test.ts); one in another file shares nothing with this one',
      slowHandle:
        'SQLite is called, not asked over a connection: a disk that stands still stops the process with it, and nothing arrives late',
    },
  }
}

async function open(
  File: typeof FaultyFile,
  pageSize: Size,
  options: StoreOptions = {},
): Promise<Subject> {
  const folder = await temporaryFolder()
  const unmigrated = await temporaryFolder()
  const stores: EventStore[] = []
  const openFaulty = (of: StoreOptions = {}, path = folder.file) => {
    const file = new File(path)
    const store = sqliteStore({ ...of, file, pageSize })
    stores.push(store)
    return { file, store }
  }
  const first = openFaulty(options)
  const cleanup = async () => {
    await Promise.all(stores.map((store) => store.close()))
    await folder.remove()
    await unmigrated.remove()
  }
  try {
    await first.store.migrate()
  } catch (error) {
    await cleanup()
    throw error
  }
  return {
    store: first.store,
    openAnother: async (of) => openFaulty(of).store,
    cleanup,
    async heldWriter() {
      const { file, store } = openFaulty()
      return { store, hold: () => file.hold(), kill: async () => file.kill() }
    },
    async fragileHandle(of) {
      const { file, store } = openFaulty(of)
      return {
        store,
        cutBeforeRequest: () => file.cutNextCommit('before'),
        cutAfterCommit: () => file.cutNextCommit('after'),
        outage: async () => file.outage(),
        recover: async () => file.recover(),
        get struck() {
          return file.struck
        },
      }
    },
    async throttledHandle(of) {
      const { file, store } = openFaulty(of)
      return {
        store,
        throttle: (oneOf) => file.refuse(oneOf),
        relent: () => file.refuse(0),
        get struck() {
          return file.struck
        },
      }
    },
    requestCount: async () => first.file.requests,
    async damageSnapshot(streamId) {
      const database = new Database(folder.file)
      const damage = database.prepare(
        `UPDATE annals_snapshots SET state = '{"half a' WHERE stream_id = ?`,
      )
      if (damage.run([streamId]).changes !== 1) throw new Error(`no snapshot of ${streamId}`)
      database.close()
    },
    openUnmigrated: async (of) => openFaulty(of, unmigrated.file).store,
    async openUnprivileged(of) {
      const store = sqliteStore({ ...of, file: folder.file, readOnly: true })
      stores.push(store)
      return store
    },
    workerStore: () => ({
      module: new URL('./support/worker-store.ts', import.meta.url).href,
      args: folder.file,
    }),
  }
}

export default () => sqliteHarness()
