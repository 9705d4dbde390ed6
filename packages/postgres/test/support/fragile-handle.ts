import type { FragileHandle } from '@annals/conformance'
import type { StoreOptions } from '@annals/core'
import { startTcpProxy } from '@annals/test-servers'
import { postgresStore } from '../../src/index.js'

/** ReadyForQuery, outside a transaction: the server has committed. */
const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

/** A store behind a proxy that cuts its connection around an append. */
export async function fragileHandle(url: string, schema: string, options: StoreOptions = {}) {
  const proxy = await startTcpProxy(url)
  // Without names each request carries its text, and the proxy can tell an append.
  const store = postgresStore({ ...options, connectionString: proxy.url, schema, prepare: false })
  let armed: 'before' | 'after' | undefined
  let struck = 0
  const committing = new WeakSet<object>()
  proxy.onData((chunk, direction, connection) => {
    if (direction === 'up' && /append_(?:one|batch)\(/.test(chunk.toString('latin1'))) {
      if (armed === 'before') {
        armed = undefined
        struck++
        return 'cut'
      }
      if (armed === 'after') {
        armed = undefined
        committing.add(connection)
      }
    } else if (direction === 'down' && committing.has(connection) && chunk.includes(ready)) {
      struck++
      return 'cut'
    }
    return 'forward'
  })
  const handle: FragileHandle = {
    store,
    cutBeforeRequest: () => {
      armed = 'before'
    },
    cutAfterCommit: () => {
      armed = 'after'
    },
    outage: async () => proxy.outage(),
    recover: async () => proxy.recover(),
    get struck() {
      return struck
    },
  }
  return {
    handle,
    async close() {
      proxy.recover()
      await store.close()
      await proxy.close()
    },
  }
}
