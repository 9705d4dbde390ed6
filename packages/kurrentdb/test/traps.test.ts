import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { kurrentDbStore } from '@annals/kurrentdb'
import { status } from '@grpc/grpc-js'
import { jsonEvent, KurrentDBClient } from '@kurrent/kurrentdb-client'
import { expect, it } from 'vitest'
import { settingsOf } from '../src/settings.js'
import { StandIn } from './stand-in/stand-in.js'
import { exception } from './stand-in/wire.js'
import { codeOf, events, onEachServer } from './support/on-each-server.js'
import { isBefore25Point1, startReal, startStandIn } from './support/servers.js'

/**
 * What a straightforward use of the official client (1.3) runs into, and that the store does not: each test shows both.
 * Where a trap needs a fault, it is shown on the stand-in alone.
 *
 * Shown elsewhere: prefixes of a repeat, ids that are forgotten, repeats at the same time (observed.test.ts and the suite);
 * a server that dies under appends and subscriptions (kill.test.ts); a reader that has lost its leader, dead connections
 * (faults.test.ts); a process that does not end (exit.test.ts); deletions (deleted-streams.test.ts).
 *
 * Of no effect on the store, so not shown: `readAll` drops `maxSearchWindow` (the store gives it to subscriptions only); a
 * rejecting `checkpointReached` is an unhandled rejection (the store's cannot reject); `fellBehind` is never sent (the store
 * would take it); `metastreamRevision` is a position (the store does not read it). That a read which is left is cancelled
 * only by the garbage collector cannot be shown without one; the store's reads are therefore made of bounded requests.
 */
onEachServer([await startStandIn(), await startReal()], (bench) => {
  const { standIn } = bench.server
  const onStandIn = standIn ? it : null

  async function rawRead(client: KurrentDBClient, name: string, options = {}) {
    const got: bigint[] = []
    for await (const { event } of client.readStream(name, options)) got.push(event!.revision)
    return got
  }
  const nameOf = (error: unknown) => (error as Error).constructor.name

  it('a client whose first read failed never reads again; the store takes a new one', async () => {
    const { port, come } = await laterAt()
    const url = `kurrentdb://127.0.0.1:${port}?tls=false&discoveryInterval=0`
    const client = KurrentDBClient.connectionString(url)
    bench.atEnd(() => client.dispose())
    const refused = await rawRead(client, 'Order-1').catch(nameOf)
    expect(refused).toBe('UnavailableError')
    let tried = () => {}
    const failedOnce = new Promise<void>((resolve) => {
      tried = resolve
    })
    const store = bench.store({ connectionString: url, onRetry: () => tried() })
    const version = store.streamVersion('Order-1')
    await failedOnce
    const end = await come()
    bench.atEnd(end)
    expect(await version).toBe(0)
    // The server is there, as the store has shown; the client does not see it.
    expect(await rawRead(client, 'Order-1').catch(nameOf)).toBe('UnavailableError')
    // Its appends have recovered all the while.
    expect(
      (await client.appendToStream(`t-${randomUUID()}`, jsonEvent({ type: 'T', data: {} })))
        .success,
    ).toBe(true)
  })

  it('a first read waits for a discovery that a single node does not need; the store switches it off', () => {
    const addresses: string[] = []
    const connect = (address: string) => {
      addresses.push(address)
      return bench.client()
    }
    const open = (connectionString: string) => settingsOf({ connectionString }, connect).open?.()
    open('esdb://localhost:2113?tls=false&throwOnAppendFailure=false')
    open('kurrentdb://a:1,b:2?tls=true')
    open('kurrentdb+discover://cluster.local:2113')
    open('kurrentdb://localhost?discoveryInterval=7')
    expect(addresses).toEqual([
      'kurrentdb://localhost:2113?tls=false&discoveryInterval=0',
      'kurrentdb://a:1,b:2?tls=true',
      'kurrentdb+discover://cluster.local:2113',
      'kurrentdb://localhost?discoveryInterval=7',
    ])
  })

  it('a limit of none is an error to the client, and nothing to the store', async () => {
    const namespace = bench.namespace()
    const store = bench.store({ namespace })
    await store.append('Order-1', events(1))
    const raw = await rawRead(bench.client(), `${namespace}/Order-1`, { maxCount: 0 }).catch(nameOf)
    expect(raw).toBe('UnavailableError')
    expect(await store.readStream('Order-1', { limit: 0 }).toArray()).toEqual([])
  })

  it('a stream that is not there is an error to the client, and empty to the store', async () => {
    expect(await rawRead(bench.client(), `never-${randomUUID()}`).catch(nameOf)).toBe(
      'StreamNotFoundError',
    )
    expect(await bench.store().readStream('Order-1').toArray()).toEqual([])
  })

  it('with throwOnAppendFailure: false the client tells a wrong revision; the store reads the true one', async () => {
    const namespace = bench.namespace()
    const client = bench.client('&throwOnAppendFailure=false')
    const store = bench.store({ client, namespace })
    await store.append('Order-1', events(5))
    const raw = await client.appendToStream(
      `${namespace}/Order-1`,
      jsonEvent({ type: 'T', data: {} }),
      { streamState: 'no_stream' },
    )
    expect(raw).toMatchObject({ success: false, nextExpectedRevision: 1n })
    await expect(store.append('Order-1', events(1), { expectedVersion: 0 })).rejects.toMatchObject({
      code: 'WRONG_EXPECTED_VERSION',
      actual: 5,
    })
  })

  it('an event that is read and one that is pushed differ in their time to the client, not to the store', async () => {
    const store = bench.store()
    await store.append('Order-1', [{ type: 'T', data: { n: 1 }, metadata: { correlationId: 'c' } }])
    const subscription = store.subscribeToAll()[Symbol.asyncIterator]()
    await subscription.next()
    await subscription.next()
    await store.append('Order-1', [
      { type: 'T', data: { text: '\u0000\ud800', __proto__x: [null] }, metadata: { a: { b: 1 } } },
      { type: 'T', data: new Uint8Array([0, 255]) },
      { type: 'T', data: 'text' },
      { type: 'T', data: null },
    ])
    const read = await store.readStream('Order-1', { fromVersion: 2 }).toArray()
    const pushed = []
    while (pushed.length < 4) {
      const { value } = await subscription.next()
      if (value?.kind === 'event') pushed.push(value.event)
    }
    await subscription.return?.()
    expect(pushed).toEqual(read)
  })

  it('a list of prefixes is compared by a culture; the store compares characters', async () => {
    const namespace = bench.namespace()
    const store = bench.store({ namespace })
    // An e with an accent of its own: to a culture "Cafe" is not where it begins.
    await store.append('Cafe\u0301-1', events(1))
    const filter = { streamPrefixes: ['Cafe'] }
    expect(await store.readAll({ filter }).toArray()).toHaveLength(1)
    expect(await store.readAll({ filter: { categories: ['Cafe'] } }).toArray()).toEqual([])
    expect(await store.readAll({ filter: { categories: ['Cafe\u0301'] } }).toArray()).toHaveLength(
      1,
    )
  })

  it('an append too large for the server is an error of many names to the client, and TOO_LARGE to the store', async () => {
    const client = bench.client()
    const data = { text: 'x'.repeat(1_040_000) }
    const big = jsonEvent({ type: 'T', data: { ...data, more: 'x'.repeat(10_000) } })
    const told = await client.appendToStream(`t-${randomUUID()}`, big).catch(nameOf)
    // From 25.1 on the server takes 256 MiB; the store's limit is the smallest of all servers.
    if (isBefore25Point1(bench.server.version)) expect(told).toBe('MaxAppendSizeExceededError')
    else expect(told).toMatchObject({ success: true })
    const store = bench.store({ limits: 'backend' })
    expect(await codeOf(store.append('Order-1', [{ type: 'T', data }]))).toBe('TOO_LARGE')
    expect(await store.streamVersion('Order-1')).toBe(0)
  })

  it('positions after which the client begins, and positions with which it begins, are the same to the store', async () => {
    const store = bench.store()
    await store.append('Order-1', events(4))
    const all = await store.readAll().toArray()
    const after = all[1]!.position
    expect((await store.readAll({ after }).toArray()).map((e) => e.version)).toEqual([3, 4])
    const back = await store.readAll({ after, direction: 'backwards' }).toArray()
    expect(back.map((e) => e.version)).toEqual([1])
    const subscription = store.subscribeToAll({ after })[Symbol.asyncIterator]()
    expect((await subscription.next()).value).toMatchObject({ event: { version: 3 } })
    await subscription.return?.()
  })

  onStandIn?.(
    'a read that fails in the middle loses events that had come; the store goes on behind what it gave',
    async () => {
      const namespace = bench.namespace()
      const store = bench.store({ namespace })
      await store.append('Order-1', events(200))
      let failing = true
      standIn!.beforeReadAnswer = async (call, sent) => {
        if (!failing || sent !== 100) return true
        failing = false
        call.emit('error', exception('broken', status.UNAVAILABLE))
        return false
      }
      const seen: bigint[] = []
      const raw = (async () => {
        for await (const { event } of bench.client().readStream(`${namespace}/Order-1`))
          seen.push(event!.revision)
      })()
      expect(await raw.catch(nameOf)).toBe('UnavailableError')
      expect(seen.length).toBeLessThan(100)
      failing = true
      expect(await store.readStream('Order-1').toArray()).toHaveLength(200)
      expect(failing).toBe(false)
      standIn!.beforeReadAnswer = async () => true
    },
  )

  onStandIn?.(
    'read backwards from the end, an append that is just being indexed is cut; the store gives it whole',
    async () => {
      const namespace = bench.namespace()
      const store = bench.store({ namespace })
      await store.append('Order-1', events(3))
      await store.append('Order-2', events(4))
      standIn!.passedOver = 2
      const raw: bigint[] = []
      const filter = {
        filterOn: 'streamName',
        regex: `^${namespace}/`,
        checkpointInterval: 1,
      } as const
      for await (const { event } of bench
        .client()
        .readAll({ direction: 'backwards', fromPosition: 'end', filter }))
        raw.push(event!.revision)
      expect(raw).toEqual([1n, 0n, 2n, 1n, 0n])
      const versions = async (limit?: number, types?: string[]) =>
        (
          await store
            .readAll({ direction: 'backwards', limit, ...(types && { filter: { types } }) })
            .toArray()
        ).map(({ version }) => version)
      expect(await versions()).toEqual([4, 3, 2, 1, 3, 2, 1])
      expect(await versions(1)).toEqual([4])
      expect(await versions(3)).toEqual([4, 3, 2])
      expect(await versions(5)).toEqual([4, 3, 2, 1, 3])
      expect(await versions(undefined, ['Never'])).toEqual([])
      const whole = await store.readAll().toArray()
      expect(await store.headPosition()).toBe(whole.at(-1)?.position)
      standIn!.passedOver = 0
    },
  )

  onStandIn?.("the client's deadline is not kept by appends; the store's is", async () => {
    standIn!.beforeAppend = () => 'silence'
    const client = bench.client()
    const raw = client
      .appendToStream(`t-${randomUUID()}`, jsonEvent({ type: 'T', data: {} }), { deadline: 20 })
      .then(
        () => 'settled',
        () => 'settled',
      )
    const store = bench.store({ attemptTimeoutMs: 100, retryBudgetMs: 100 })
    const call = codeOf(store.append('Order-1', events(1), { expectedVersion: 0 }))
    expect(await Promise.race([raw, call])).toBe('UNKNOWN_OUTCOME')
    standIn!.beforeAppend = () => 'answer'
  })

  onStandIn?.(
    'before the client has spoken to the server its error is none of its own; the store knows it',
    async () => {
      const { port } = await laterAt()
      const url = `kurrentdb://127.0.0.1:${port}?tls=false`
      const client = KurrentDBClient.connectionString(url)
      bench.atEnd(() => client.dispose())
      const raw = await client
        .appendToStream('t-1', jsonEvent({ type: 'T', data: {} }))
        .catch((error: unknown) => error)
      expect(raw).toMatchObject({ code: status.UNAVAILABLE })
      expect((raw as { type?: unknown }).type).toBeUndefined()
      const store = bench.store({ connectionString: url, retryBudgetMs: 0 })
      expect(await codeOf(store.append('Order-1', events(1)))).toBe('UNAVAILABLE')
    },
  )

  it("the application's own client is used and left open", async () => {
    const client = bench.client()
    const namespace = bench.namespace()
    const store = kurrentDbStore({ client, namespace })
    await store.append('Order-1', events(2))
    expect(await store.streamVersion('Order-1')).toBe(2)
    await store.close()
    expect(await rawRead(client, `${namespace}/Order-1`)).toEqual([0n, 1n])
  })
})

/** A port where nothing listens yet, and a stand-in that comes to it. */
async function laterAt() {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return {
    port,
    come: async () => {
      const standIn = await StandIn.start({ port })
      return async () => standIn.kill()
    },
  }
}
