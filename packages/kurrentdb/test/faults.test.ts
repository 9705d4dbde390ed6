import { createServer } from 'node:net'
import type { AllMessage, EventStore } from '@annals/core'
import { startTcpProxy } from '@annals/test-servers'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AppendFault, StandIn } from './stand-in/stand-in.js'
import { exception } from './stand-in/wire.js'
import { Bench, codeOf, events } from './support/on-each-server.js'
import { startStandIn } from './support/servers.js'

/** Faults that no server makes on command, so on the stand-in only. */
describe('faults, on a stand-in (NOT KurrentDB)', () => {
  let bench: Bench
  let standIn: StandIn

  beforeEach(async () => {
    const server = await startStandIn()
    bench = new Bench(server)
    standIn = server.standIn!
  })
  afterEach(async () => {
    await bench.end()
    standIn.kill()
  })

  /** Does something else to the first append only. */
  function firstTime(fault: AppendFault): () => AppendFault {
    let times = 0
    return () => (++times === 1 ? fault : 'answer')
  }

  async function versions(store: EventStore): Promise<number[]> {
    return (await store.readStream('Order-1').toArray()).map((event) => event.version)
  }

  it.each([0, 'any'] as const)(
    'an append with %s that a follower refuses goes to the leader',
    async (expectedVersion) => {
      const store = bench.store()
      standIn.beforeAppend = firstTime('not-leader')
      const result = await store.append('Order-1', events(2), { expectedVersion })
      expect(result.version).toBe(2)
      expect(await versions(store)).toEqual([1, 2])
    },
  )

  it.each([
    [0, 'timeout'],
    [0, 'silence'],
    [0, 'cut'],
    ['any', 'timeout'],
    ['any', 'silence'],
    ['any', 'cut'],
  ] as const)(
    'an append with %s whose answer is lost after the commit (%s) takes effect once',
    async (expectedVersion, fault) => {
      const store = bench.store({ attemptTimeoutMs: 300 })
      standIn.afterAppend = firstTime(fault)
      const result = await store.append('Order-1', events(2), { expectedVersion })
      expect(await versions(store)).toEqual([1, 2])
      const last = (await store.readStream('Order-1').toArray())[1]
      expect(result).toEqual({ version: 2, position: last?.position })
    },
  )

  it.each(['timeout', 'silence', 'cut'] as const)(
    "an append with 'any' that is lost before the commit (%s) takes effect once",
    async (fault) => {
      const store = bench.store({ attemptTimeoutMs: 300 })
      standIn.beforeAppend = firstTime(fault)
      expect((await store.append('Order-1', events(2))).version).toBe(2)
      expect(await versions(store)).toEqual([1, 2])
    },
  )

  it("an append with 'any' is found by reading where the server has forgotten its ids", async () => {
    const store = bench.store()
    await store.append('Order-1', events(3))
    standIn.afterAppend = async () => {
      standIn.afterAppend = () => 'answer'
      // What follows the answer that was lost: others write, and the leader changes.
      standIn.log.append('somewhere-else', -2, [])
      standIn.log.forgetIds()
      return 'cut' as const
    }
    const result = await store.append('Order-1', events(2))
    expect(result.version).toBe(5)
    expect(await versions(store)).toEqual([1, 2, 3, 4, 5])
  })

  it('an append is UNKNOWN_OUTCOME where no answer comes at all', async () => {
    const store = bench.store({ attemptTimeoutMs: 50, retryBudgetMs: 200 })
    standIn.beforeAppend = () => 'silence'
    const call = store.append('Order-1', events(1), { expectedVersion: 0 })
    expect(await codeOf(call)).toBe('UNKNOWN_OUTCOME')
  })

  it('an outage is UNAVAILABLE, never a conflict', async () => {
    const store = bench.store({ retryBudgetMs: 200 })
    await store.append('Order-1', events(1))
    standIn.kill()
    expect(await codeOf(store.readStream('Order-1').toArray())).toBe('UNAVAILABLE')
    const code = await codeOf(store.append('Order-1', events(1), { expectedVersion: 1 }))
    expect(['UNAVAILABLE', 'UNKNOWN_OUTCOME']).toContain(code)
  })

  it('a read that fails in the middle goes on after the last event given', async () => {
    const store = bench.store()
    for (let i = 0; i < 4; i++) await store.append('Order-1', events(250))
    let failures = 0
    standIn.beforeReadAnswer = async (call, sent) => {
      if (sent !== 150 || failures === 3) return true
      failures++
      call.emit('error', exception('broken', status.UNAVAILABLE))
      return false
    }
    expect(await versions(store)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1))
    expect(failures).toBe(3)
    failures = 0
    expect((await store.readAll().toArray()).map((event) => event.version)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i + 1),
    )
    expect(failures).toBe(3)
  })

  it('a subscription that is dropped, in the past and when live, goes on after the last event given', async () => {
    const store = bench.store()
    for (let i = 0; i < 4; i++) await store.append('Order-1', events(100))
    let failures = 0
    standIn.beforeReadAnswer = async (call, sent) => {
      if (sent !== 70 || failures === 3) return true
      failures++
      call.emit('error', exception('dropped', status.UNAVAILABLE))
      return false
    }
    const got: number[] = []
    let caughtUp = () => {}
    const head = new Promise<void>((resolve) => {
      caughtUp = resolve
    })
    const all = (async () => {
      for await (const message of store.subscribeToAll() as AsyncIterable<AllMessage>) {
        if (message.kind === 'caughtUp') caughtUp()
        if (message.kind !== 'event') continue
        got.push(message.event.version)
        if (got.length === 600) break
      }
    })()
    await head
    standIn.dropReads()
    for (let i = 0; i < 100; i++) await store.append('Order-1', events(1))
    standIn.dropReads()
    await store.append('Order-1', events(100))
    await all
    expect(got).toEqual(Array.from({ length: 600 }, (_, i) => i + 1))
    expect(failures).toBe(3)
  })

  it('a server that is not there at first is waited for, by reads, appends and subscriptions', async () => {
    const port = await freePort()
    const later = new Bench({
      name: 'later',
      version: '',
      url: `kurrentdb://127.0.0.1:${port}?tls=false`,
      stop: async () => {},
    })
    let retries = 0
    let threeEach = () => {}
    const tried = new Promise<void>((resolve) => {
      threeEach = resolve
    })
    const store = later.store({
      onRetry: () => {
        if (++retries === 9) threeEach()
      },
    })
    const read = store.streamVersion('Order-1')
    const appended = store.append('Order-2', events(1))
    const subscription = store.subscribeToAll()[Symbol.asyncIterator]()
    const first = subscription.next()
    await tried
    const server = await StandIn.start({ port })
    expect(await read).toBe(0)
    expect((await appended).version).toBe(1)
    expect((await first).done).toBe(false)
    await subscription.return?.()
    await later.end()
    server.kill()
  })

  it('a filtered read waits for a server that is long in finding something, while it answers others', async () => {
    const store = bench.store({ attemptTimeoutMs: 150 })
    await store.append('Order-1', events(1))
    let probes = 0
    standIn.beforeReadAnswer = async (call) => {
      if (!call.request.getOptions()?.hasFilter()) {
        probes++
        return true
      }
      // It finds something only after it was asked three times whether it is alive.
      while (probes < 3) await new Promise((resolve) => setTimeout(resolve, 5))
      return true
    }
    expect(await store.readAll().toArray()).toHaveLength(1)
    expect(probes).toBeGreaterThanOrEqual(3)
  })

  it('a read of a server that has frozen ends with UNAVAILABLE within the budget', async () => {
    const namespace = bench.namespace()
    await bench.store({ namespace }).append('Order-1', events(1))
    const store = bench.store({ namespace, attemptTimeoutMs: 50, retryBudgetMs: 200 })
    standIn.beforeReadAnswer = () => new Promise(() => {})
    expect(await codeOf(store.readStream('Order-1').toArray())).toBe('UNAVAILABLE')
    expect(await codeOf(store.readAll().toArray())).toBe('UNAVAILABLE')
  })

  it.each(['pause', 'halfOpen'] as const)(
    'a connection that is open but dead (%s) is replaced, and the call succeeds',
    async (fault) => {
      const proxy = await startTcpProxy(bench.server.url)
      const timedOut = new Set<string>()
      let both = () => {}
      const bothTimedOut = new Promise<void>((resolve) => {
        both = resolve
      })
      const store = bench.store({
        connectionString: proxy.url,
        attemptTimeoutMs: 300,
        onRetry: ({ operation }) => {
          if (timedOut.add(operation).size === 2) both()
        },
      })
      await store.append('Order-1', events(1))
      expect(await versions(store)).toEqual([1])
      if (fault === 'pause') proxy.pause()
      else proxy.halfOpen(true)
      const read = store.readStream('Order-1').toArray()
      const appended = store.append('Order-1', events(1), { expectedVersion: 1 })
      await bothTimedOut
      proxy.recover()
      expect((await appended).version).toBe(2)
      expect((await read).length).toBeGreaterThanOrEqual(1)
      expect(await versions(store)).toEqual([1, 2])
      await proxy.close()
    },
  )

  it('a subscription notices that its connection is open but dead, and goes on after the last event given', async () => {
    const proxy = await startTcpProxy(bench.server.url)
    let noticed = () => {}
    const reconnecting = new Promise<void>((resolve) => {
      noticed = resolve
    })
    const namespace = bench.namespace()
    const writer = bench.store({ namespace })
    const store = bench.store({
      namespace,
      connectionString: proxy.url,
      attemptTimeoutMs: 300,
      onRetry: () => noticed(),
    })
    await writer.append('Order-1', events(2))
    const subscription = store.subscribeToAll()[Symbol.asyncIterator]()
    const next = async () => {
      for (;;) {
        const { value } = await subscription.next()
        if (value?.kind === 'event') return value.event.version
      }
    }
    expect([await next(), await next()]).toEqual([1, 2])
    const third = next()
    proxy.halfOpen(true)
    await reconnecting
    await writer.append('Order-1', events(1))
    proxy.recover()
    expect(await third).toBe(3)
    await subscription.return?.()
    await proxy.close()
  })
})

describe('a leader that dies, on a cluster of stand-ins (NOT KurrentDB)', () => {
  it('appends, reads and subscriptions go on with the next leader, and nothing is lost or comes twice', async () => {
    const first = await StandIn.start()
    const second = await StandIn.start({ log: first.log })
    let leader = first
    const nodes = [first, second]
    for (const node of nodes)
      node.cluster = () =>
        nodes.map((each) => ({
          port: each.port,
          state: each === leader ? 'leader' : each === first ? 'dead' : 'follower',
        }))
    const bench = new Bench({
      name: 'cluster',
      version: '',
      url: `kurrentdb://127.0.0.1:${first.port},127.0.0.1:${second.port}?tls=false&discoveryInterval=20`,
      stop: async () => {},
    })
    const store = bench.store({ retryBudgetMs: 30_000 })
    const got: number[] = []
    const subscription = (async () => {
      for await (const message of store.subscribeToStream('Order-1')) {
        if (message.kind !== 'event') continue
        got.push(message.event.version)
        if (got.length === 60) return
      }
    })()
    for (let version = 0; version < 30; version++)
      await store.append('Order-1', events(1), { expectedVersion: version })
    expect(await store.streamVersion('Order-1')).toBe(30)
    first.afterAppend = () => {
      // It dies between the commit and the answer.
      leader = second
      first.kill()
      return 'silence'
    }
    for (let version = 30; version < 60; version++) {
      const result = await store.append('Order-1', events(1), { expectedVersion: version })
      expect(result.version).toBe(version + 1)
    }
    await subscription
    const all = Array.from({ length: 60 }, (_, i) => i + 1)
    expect(got).toEqual(all)
    expect((await store.readStream('Order-1').toArray()).map((e) => e.version)).toEqual(all)
    await bench.end()
    second.kill()
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}
