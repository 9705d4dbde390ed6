import type { FragileHandle } from '@annals/conformance'
import type { StoreOptions } from '@annals/core'
import { startTcpProxy } from '@annals/test-servers'
import { postgresStore } from '../../src/index.js'
import { strikeAppends } from './appends-at-the-wire.js'

/** A store behind a proxy that cuts its connection around an append. */
export async function fragileHandle(url: string, schema: string, options: StoreOptions = {}) {
  const proxy = await startTcpProxy(url)
  const store = postgresStore({ ...options, connectionString: proxy.url, schema, prepare: false })
  const appends = strikeAppends(proxy, () => 'cut')
  const handle: FragileHandle = {
    store,
    cutBeforeRequest: () => appends.arm('before'),
    cutAfterCommit: () => appends.arm('after'),
    outage: async () => proxy.outage(),
    recover: async () => proxy.recover(),
    get struck() {
      return appends.struck
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
