import { randomUUID } from 'node:crypto'
import { type EventStore, isEventStoreError, type NewEvent } from '@annals/core'
import { type KurrentDbStoreOptions, kurrentDbStore } from '@annals/kurrentdb'
import { KurrentDBClient } from '@kurrent/kurrentdb-client'
import { afterAll, afterEach, describe } from 'vitest'
import { noServer } from './no-server.js'
import type { ServerUnderTest } from './servers.js'

/** What a test of the adapter uses; all of it is closed after the test. */
export class Bench {
  readonly server: ServerUnderTest
  readonly #ends: (() => Promise<void>)[] = []

  constructor(server: ServerUnderTest) {
    this.server = server
  }

  namespace(): string {
    return `t${randomUUID().replaceAll('-', '')}`
  }

  store(options: Partial<KurrentDbStoreOptions> = {}): EventStore {
    const { client, connectionString = client ? undefined : this.server.url } = options
    const store = kurrentDbStore({ namespace: this.namespace(), ...options, connectionString })
    this.#ends.push(() => store.close())
    return store
  }

  /** The official client, as an application without this store uses it. */
  client(parameters = ''): KurrentDBClient {
    const client = KurrentDBClient.connectionString(`${this.server.url}${parameters}`)
    this.#ends.push(() => client.dispose())
    return client
  }

  atEnd(work: () => Promise<void>): void {
    this.#ends.push(work)
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end()
  }
}

/** The same tests on each server, with its name in the report. */
export function onEachServer(
  servers: readonly (ServerUnderTest | null)[],
  tests: (bench: Bench) => void,
): void {
  for (const server of servers) {
    if (!server) {
      noServer()
      continue
    }
    describe(server.name, () => {
      const bench = new Bench(server)
      afterEach(() => bench.end())
      afterAll(() => server.stop())
      tests(bench)
    })
  }
}

export function events(count: number, type = 'T'): NewEvent[] {
  return Array.from({ length: count }, (_, n) => ({ type, data: { n } }))
}

/** The code that a call fails with; 'none' where it does not fail. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'none'
  } catch (error) {
    return isEventStoreError(error) ? error.code : `not an EventStoreError: ${String(error)}`
  }
}
