import {
  createEventStore,
  type EventStore,
  MemoryDatabase,
  memoryDriver,
  SchemaMissingError,
  type StoreDriver,
  type StoreOptions,
} from '@annals/core'
import type { Harness, HookName, Subject } from './harness.js'
import { MemoryConnection, Refused } from './memory-connection.js'

/** What the handles of one subject share. */
export interface MemoryWorld {
  readonly database: MemoryDatabase
  /** Transactions of others that are open in the same "server" (with `playServer`). */
  foreignTransactions: number
  /** Counts the handles, from 0. */
  handles: number
}

export interface MemoryHarnessOptions {
  /** Default: 'memory'. */
  readonly name?: string
  /** Changes the driver of each handle, on the database's side of the connection. */
  readonly driver?: (inner: StoreDriver, world: MemoryWorld) => StoreDriver
  /** Changes the driver of each handle, on the application's side of the connection. */
  readonly client?: (inner: StoreDriver, world: MemoryWorld) => StoreDriver
  /** Changes each handle as the application sees it. */
  readonly store?: (inner: EventStore, world: MemoryWorld, options: StoreOptions) => EventStore
  /**
   * Plays also what only a database server has: restarts, transactions of others, a missing schema, missing rights.
   * It proves nothing about the memory store; it tries the suite itself. Default: false.
   */
  readonly playServer?: boolean
}

const oneProcess: Partial<Record<HookName, string>> = {
  workerStore: 'the data live in this process; no other can open them',
}

const noServer: Partial<Record<HookName, string>> = {
  ...oneProcess,
  throttledHandle: 'memory refuses no request for its rate',
  restartServer: 'the data live in this process and end with it; there is no server to kill',
  foreignTransaction: 'nobody else can have a transaction in this process’s memory',
  openUnmigrated: 'memory has no schema that could be missing',
  openUnprivileged: 'memory knows no rights',
}

/** The harness of the memory store: the smallest complete one, and the example for authors. */
export function memoryHarness(options: MemoryHarnessOptions = {}): Harness {
  return {
    name: options.name ?? (options.playServer ? 'memory, playing a server' : 'memory'),
    missing: options.playServer ? oneProcess : noServer,
    open: async (storeOptions = {}) => openSubject(options, storeOptions),
  }
}

function openSubject(options: MemoryHarnessOptions, storeOptions: StoreOptions): Subject {
  const world: MemoryWorld = { database: new MemoryDatabase(), foreignTransactions: 0, handles: 0 }
  const connections: MemoryConnection[] = []
  const stores: EventStore[] = []

  const open = (
    of: StoreOptions,
    more: { data?: MemoryWorld; rights?: (driver: StoreDriver) => StoreDriver } = {},
  ) => {
    const data = more.data ?? world
    const connection = new MemoryConnection()
    let driver = connection.server(memoryDriver(data.database))
    if (more.rights) driver = more.rights(driver)
    if (options.driver) driver = options.driver(driver, data)
    driver = connection.client(driver)
    if (options.client) driver = options.client(driver, data)
    let store = createEventStore(driver, of)
    if (options.store) store = options.store(store, data, of)
    data.handles++
    connections.push(connection)
    stores.push(store)
    return { store, connection }
  }

  const first = open(storeOptions)
  return {
    store: first.store,
    openAnother: async (of = {}) => open(of).store,
    async cleanup() {
      for (const connection of connections) connection.resume()
      await Promise.all(stores.map((store) => store.close()))
    },
    async heldWriter() {
      const { store, connection } = open({})
      return { store, hold: () => connection.hold(), kill: async () => connection.kill() }
    },
    async fragileHandle(of = {}) {
      const { store, connection } = open(of)
      return {
        store,
        cutBeforeRequest: () => connection.cut('before'),
        cutAfterCommit: () => connection.cut('after'),
        outage: async () => connection.outage(),
        recover: async () => connection.recover(),
        get struck() {
          return connection.struck
        },
      }
    },
    async slowHandle(of = {}) {
      const { store, connection } = open(of)
      return {
        store,
        stallBeforeRequest: () => connection.stall('before'),
        stallAfterCommit: () => connection.stall('after'),
        resume: () => connection.resume(),
        forget: async () => connection.forget(),
        delay: (milliseconds) => connection.delay(milliseconds),
        get struck() {
          return connection.struck
        },
      }
    },
    requestCount: async () => first.connection.requests,
    async damageSnapshot(streamId) {
      const snapshot = world.database.snapshots.get(streamId)
      if (!snapshot) throw new Error(`there is no snapshot of ${streamId} to damage`)
      world.database.snapshots.set(streamId, { ...snapshot, state: '{"half a' })
    },
    ...(options.playServer && {
      async throttledHandle(of: StoreOptions = {}) {
        const { store, connection } = open(of)
        return {
          store,
          throttle: (oneOf: number) => connection.throttle(oneOf),
          relent: () => connection.throttle(0),
          get struck() {
            return connection.struck
          },
        }
      },
      async restartServer() {
        for (const connection of connections) connection.drop()
      },
      async foreignTransaction() {
        world.foreignTransactions++
        let open = true
        return {
          async end() {
            if (open) world.foreignTransactions--
            open = false
          },
        }
      },
      async openUnmigrated(of: StoreOptions = {}) {
        const data = { database: new MemoryDatabase(), foreignTransactions: 0, handles: 0 }
        return open(of, { data, rights: unmigrated }).store
      },
      async openUnprivileged(of: StoreOptions = {}) {
        return open(of, { rights: unprivileged }).store
      },
    }),
  }
}

/** Nothing works before `migrate()`. */
function unmigrated(inner: StoreDriver): StoreDriver {
  let migrated = false
  const check = () => {
    if (!migrated) throw new SchemaMissingError('The tables are not there: call migrate().')
  }
  const guard = <A extends unknown[], T>(method: (...args: A) => Promise<T>) => {
    return async (...args: A) => {
      check()
      return method(...args)
    }
  }
  async function* batches<B>(source: AsyncIterable<B>) {
    check()
    yield* source
  }
  const { appendMany } = inner
  return {
    ...inner,
    append: guard(inner.append),
    ...(appendMany && { appendMany: guard(appendMany) }),
    readStream: (query) => batches(inner.readStream(query)),
    readAll: (query) => batches(inner.readAll(query)),
    streamVersion: guard(inner.streamVersion),
    headPosition: guard(inner.headPosition),
    loadCheckpoint: guard(inner.loadCheckpoint),
    saveCheckpoint: guard(inner.saveCheckpoint),
    loadSnapshot: guard(inner.loadSnapshot),
    saveSnapshot: guard(inner.saveSnapshot),
    async migrate() {
      migrated = true
    },
  }
}

/** May read, may not write. */
function unprivileged(inner: StoreDriver): StoreDriver {
  const refuse = async (): Promise<never> => {
    throw new Refused('permission denied for table events')
  }
  return { ...inner, append: refuse, appendMany: refuse }
}
