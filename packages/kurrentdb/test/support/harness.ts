import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Harness, HookName, Subject } from '@annals/conformance'
import {
  createEventStore,
  type EventStore,
  type StoreDriver,
  type StoreOptions,
} from '@annals/core'
import { type KurrentDbStoreOptions, kurrentDbStore } from '@annals/kurrentdb'
import { jsonEvent, KurrentDBClient } from '@kurrent/kurrentdb-client'
import { KurrentDbDriver } from '../../src/kurrentdb-driver.js'
import { settingsOf } from '../../src/settings.js'
import { isBefore25Point1, type ServerUnderTest } from './servers.js'
import { Wire } from './wire.js'

/** A change of the driver, for mutants. */
export type Mutate = (driver: StoreDriver) => StoreDriver

/** The conformance suite's view of the store: each case in a namespace of its own. */
export function kurrentDbHarness(server: ServerUnderTest, mutate?: Mutate): Harness {
  const missing: Partial<Record<HookName, string>> = {
    heldWriter:
      'the server makes an append visible and durable in one step; nothing outside it can stop it between the two',
    foreignTransaction: 'the server has no transactions that stay open',
    openUnmigrated: 'the server needs no schema',
    throttledHandle: 'the server refuses no request for its rate',
  }
  if (!server.standIn)
    missing.openUnprivileged = 'the server for tests runs without access control (--insecure)'
  if (!server.restart)
    missing.restartServer = server.server
      ? 'this server keeps its data in memory and loses them with its process'
      : 'the server was not started here, so it is not ours to kill'
  return {
    name: server.name,
    missing,
    open: (options) => openSubject(server, options, mutate),
    close: () => server.stop(),
  }
}

async function openSubject(
  server: ServerUnderTest,
  options: StoreOptions = {},
  mutate?: Mutate,
): Promise<Subject> {
  const namespace = `c${randomUUID().replaceAll('-', '')}`
  const stores: EventStore[] = []
  const wires: Wire[] = []
  const wire = async () => {
    const opened = await Wire.open(server.url, namespace)
    wires.push(opened)
    return opened
  }
  const open = (url: string, more: StoreOptions = {}, name = namespace) => {
    const given = { ...more, connectionString: url, namespace: name }
    const store = mutate ? mutant(given, mutate) : kurrentDbStore(given)
    stores.push(store)
    return store
  }
  const first = await wire()
  const { standIn, restart } = server
  // What a newer server offers beyond the contract is known once it was asked.
  const asked = async (store: EventStore) => {
    if (!isBefore25Point1(server.version)) await store.migrate()
    return store
  }
  return {
    store: await asked(open(first.url, options)),
    openAnother: (more) => asked(open(server.url, more)),
    cleanup: async () => {
      for (const each of wires) {
        each.resume()
        each.proxy.recover()
      }
      await Promise.all(stores.map((store) => store.close()))
      await Promise.all(wires.map((each) => each.close()))
    },
    fragileHandle: async (more) => {
      const own = await wire()
      return {
        store: open(own.url, more),
        cutBeforeRequest: () => own.arm('before'),
        cutAfterCommit: () => own.arm('after'),
        outage: async () => own.proxy.outage(),
        recover: async () => own.proxy.recover(),
        get struck() {
          return own.struck
        },
      }
    },
    slowHandle: async (more) => {
      const own = await wire()
      const direct = open(server.url)
      return {
        // The client notices that its connection is dead after twenty seconds, unless it is told to be quicker.
        store: open(`${own.url}&keepAliveInterval=1000&keepAliveTimeout=500`, more),
        stallBeforeRequest: () => own.arm('before', 'stall'),
        stallAfterCommit: () => own.arm('after', 'stall'),
        resume: async () => {
          own.resume()
          // A client that has given its append up may have taken its call back by now, so that nothing answers it. What
          // the server was given before these requests it has mostly done when they are answered.
          for (let i = 0; i < 3; i++) await direct.streamVersion('Order-1')
        },
        forget: async () => void own.proxy.forget(),
        delay: (milliseconds) => own.proxy.delay(milliseconds),
        get struck() {
          return own.struck
        },
      }
    },
    workerStore: () => ({
      module: fileURLToPath(new URL('../../src/index.ts', import.meta.url)),
      export: 'kurrentDbStoreFromUrl',
      args: `${server.url}&namespace=${namespace}`,
    }),
    requestCount: async () => first.requests,
    damageSnapshot: async (streamId) => {
      const client = KurrentDBClient.connectionString(server.url)
      const name = `~annals/snapshot/${namespace}/${streamId}`
      await client.appendToStream(name, jsonEvent({ type: 'snapshot', data: 'half a' }))
      await client.dispose()
    },
    ...(restart ? { restartServer: restart } : {}),
    ...(standIn
      ? {
          openUnprivileged: async (more: StoreOptions = {}) => {
            const refused = `refused${namespace}`
            standIn.refuse(`${refused}/`)
            return open(server.url, more, refused)
          },
        }
      : {}),
  }
}

function mutant(options: KurrentDbStoreOptions, mutate: Mutate): EventStore {
  const settings = settingsOf(options, (address) => KurrentDBClient.connectionString(address))
  return createEventStore(mutate(new KurrentDbDriver(settings)), options)
}
