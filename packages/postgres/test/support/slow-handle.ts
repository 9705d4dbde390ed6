import { setTimeout as sleep } from 'node:timers/promises'
import type { SlowHandle } from '@annals/conformance'
import type { StoreOptions } from '@annals/core'
import { type ProxiedConnection, startTcpProxy } from '@annals/test-servers'
import { postgresStore } from '../../src/index.js'
import { strikeAppends } from './appends-at-the-wire.js'

/** A store behind a proxy that holds back, forgets and slows what goes through it. */
export async function slowHandle(url: string, schema: string, options: StoreOptions = {}) {
  const proxy = await startTcpProxy(url)
  const store = postgresStore({ ...options, connectionString: proxy.url, schema, prepare: false })
  /** Appends that stood still before the server, and how much had been answered on their connections by then. */
  let late: { readonly connection: ProxiedConnection; readonly answered: number }[] = []
  /** What stood still on one of these never arrives. */
  const forgotten = new Set<ProxiedConnection>()
  let goOn = () => {}
  const appends = strikeAppends(proxy, (place, connection) => {
    proxy.pause()
    if (place === 'before') late.push({ connection, answered: connection.received.down })
    return new Promise((resolve) => {
      goOn = () => resolve('forward')
    })
  })
  const resume = async () => {
    appends.arm(undefined)
    const arriving = late
    late = []
    goOn()
    proxy.resume()
    for (const { connection, answered } of arriving) {
      // The server answers what it has done, also where the client has gone meanwhile.
      while (
        proxy.connections.includes(connection) &&
        !forgotten.has(connection) &&
        connection.received.down === answered
      )
        await sleep(2)
    }
  }
  const handle: SlowHandle = {
    store,
    stallBeforeRequest: () => appends.arm('before'),
    stallAfterCommit: () => appends.arm('after'),
    resume,
    forget: async () => {
      for (const connection of proxy.connections) forgotten.add(connection)
      proxy.forget()
    },
    delay: (milliseconds) => proxy.delay(milliseconds),
    get struck() {
      return appends.struck
    },
  }
  return {
    handle,
    async close() {
      await resume()
      proxy.recover()
      await store.close()
      await proxy.close()
    },
  }
}
