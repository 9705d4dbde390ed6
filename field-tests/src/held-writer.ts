import type { HeldWriter } from '@annals/conformance'
import type { EventStore } from '@annals/core'
import { startTcpProxy } from '@annals/test-servers'
import { gate } from './support/show.js'

/** A writer whose COMMIT is held between it and PostgreSQL, by a proxy: neither the store nor its tables are changed. */
export async function heldWriter(
  url: string,
  open: (url: string) => Promise<EventStore>,
): Promise<{ readonly writer: HeldWriter; close(): Promise<void> }> {
  const proxy = await startTcpProxy(url)
  const store = await open(proxy.url)
  let dead = false
  let held: { readonly arrived: ReturnType<typeof gate>; readonly go: ReturnType<typeof gate> }[] =
    []
  const releaseAll = () => {
    for (const { arrived, go } of held.splice(0)) {
      arrived.open()
      go.open()
    }
  }
  let armed: (typeof held)[number] | undefined
  proxy.onData(async (chunk, direction) => {
    if (direction === 'down' || armed === undefined) return 'forward'
    if (!/\bcommit\b/i.test(chunk.toString('latin1'))) return 'forward'
    const { arrived, go } = armed
    armed = undefined
    arrived.open()
    await go.opened
    return dead ? 'cut' : 'forward'
  })
  const writer: HeldWriter = {
    store,
    hold() {
      const one = { arrived: gate(), go: gate() }
      armed = one
      held = [...held, one]
      return { arrived: one.arrived.opened, release: async () => one.go.open() }
    },
    async kill() {
      dead = true
      releaseAll()
      proxy.outage()
    },
  }
  return {
    writer,
    async close() {
      releaseAll()
      await store.close()
      await proxy.close()
    },
  }
}
