import { randomUUID } from 'node:crypto'
import { type EventStore, WrongExpectedVersionError } from '@annals/core'
import { expect, it } from 'vitest'
import { codeOf, events, onEachServer } from './support/on-each-server.js'
import { startReal, startStandIn } from './support/servers.js'

/** What other tools do to streams: deletion in both ways, and truncation. */
onEachServer([await startStandIn(), await startReal()], (bench) => {
  function setUp() {
    const namespace = bench.namespace()
    return {
      store: bench.store({ namespace }),
      client: bench.client(),
      name: `${namespace}/Order-1`,
    }
  }

  async function caughtUpWith(store: EventStore) {
    await store.append('Order-1', events(1))
    const subscription = store.subscribeToStream('Order-1')[Symbol.asyncIterator]()
    expect((await subscription.next()).value).toMatchObject({ kind: 'event' })
    expect((await subscription.next()).value).toMatchObject({ kind: 'caughtUp' })
    return subscription
  }

  it('a deleted stream reads as empty, and goes on with its numbers when it is written again', async () => {
    const { store, client, name } = setUp()
    await store.append('Order-1', events(3))
    await client.deleteStream(name)
    expect(await store.readStream('Order-1').toArray()).toEqual([])
    expect(await store.streamVersion('Order-1')).toBe(0)
    expect(await store.append('Order-1', events(1), { expectedVersion: 0 })).toMatchObject({
      version: 4,
    })
    expect((await store.readStream('Order-1').toArray()).map((e) => e.version)).toEqual([4])
  })

  it('a deleted stream does not exist, for an append that wants it to', async () => {
    const { store, client, name } = setUp()
    await store.append('Order-1', events(3))
    await client.deleteStream(name)
    await expect(
      store.append('Order-1', events(1), { expectedVersion: 'exists' }),
    ).rejects.toMatchObject({ code: 'WRONG_EXPECTED_VERSION', actual: 0 })
  })

  it('a number conflicts with a deleted stream where it is not its last, and the error says which is', async () => {
    const { store, client, name } = setUp()
    await store.append('Order-1', events(3))
    await client.deleteStream(name)
    const refused = await store
      .append('Order-1', events(1), { expectedVersion: 1 })
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(WrongExpectedVersionError)
    expect(refused).toMatchObject({ actual: 3 })
    expect(await store.append('Order-1', events(1), { expectedVersion: 3 })).toMatchObject({
      version: 4,
    })
  })

  it('the repeat of an append whose stream was deleted since says so', async () => {
    const { store, client, name } = setUp()
    const repeated = [{ type: 'T', data: 1, id: randomUUID() }]
    await store.append('Order-1', repeated, { expectedVersion: 0 })
    await client.deleteStream(name)
    expect(await codeOf(store.append('Order-1', repeated, { expectedVersion: 0 }))).toBe(
      'STREAM_DELETED',
    )
  })

  it('a stream that is deleted for ever is STREAM_DELETED in every call', async () => {
    const { store, client, name } = setUp()
    await store.append('Order-1', events(3))
    await client.tombstoneStream(name)
    for (const expectedVersion of ['any', 'exists', 0, 3] as const)
      expect(await codeOf(store.append('Order-1', events(1), { expectedVersion }))).toBe(
        'STREAM_DELETED',
      )
    expect(await codeOf(store.readStream('Order-1').toArray())).toBe('STREAM_DELETED')
    expect(await codeOf(store.streamVersion('Order-1'))).toBe('STREAM_DELETED')
    const subscription = store.subscribeToStream('Order-1')[Symbol.asyncIterator]()
    expect(await codeOf(subscription.next())).toBe('STREAM_DELETED')
  })

  it('a subscription to a stream that is deleted for ever under it ends with STREAM_DELETED', async () => {
    const { store, client, name } = setUp()
    const subscription = await caughtUpWith(store)
    // The server pushes by now, so that it also pushes its own mark of the deletion.
    await store.append('Order-1', events(1))
    expect((await subscription.next()).value).toMatchObject({ kind: 'event' })
    expect((await subscription.next()).value).toMatchObject({ kind: 'caughtUp' })
    const next = codeOf(subscription.next())
    await client.tombstoneStream(name)
    expect(await next).toBe('STREAM_DELETED')
  })

  it('the same while the subscription changes from the past to the present', async () => {
    const { store, client, name } = setUp()
    const subscription = await caughtUpWith(store)
    const next = codeOf(subscription.next())
    await client.tombstoneStream(name)
    expect(await next).toBe('STREAM_DELETED')
  })

  it("the server's own mark of a deletion is no event, neither read nor pushed", async () => {
    const { store, client, name } = setUp()
    await store.append('Order-1', events(1))
    const subscription = store.subscribeToAll()[Symbol.asyncIterator]()
    await subscription.next()
    expect((await subscription.next()).value).toMatchObject({ kind: 'caughtUp' })
    await client.tombstoneStream(name)
    await store.append('Order-2', events(1))
    let message = (await subscription.next()).value
    while (message && message.kind !== 'event') message = (await subscription.next()).value
    expect(message).toMatchObject({ event: { streamId: 'Order-2' } })
    await subscription.return?.()
    const all = await store.readAll().toArray()
    expect(all.map((event) => `${event.streamId} ${event.type}`)).toEqual([
      'Order-1 T',
      'Order-2 T',
    ])
  })

  it('a bounded stream gives what the server has kept, under its true versions', async () => {
    const { store, client, name } = setUp()
    await store.append('Order-1', events(5))
    await client.setStreamMetadata(name, { maxCount: 2 })
    expect((await store.readStream('Order-1').toArray()).map((e) => e.version)).toEqual([4, 5])
    const backwards = await store.readStream('Order-1', { direction: 'backwards' }).toArray()
    expect(backwards.map((e) => e.version)).toEqual([5, 4])
    expect(await store.streamVersion('Order-1')).toBe(5)
    expect(await store.append('Order-1', events(1), { expectedVersion: 5 })).toMatchObject({
      version: 6,
    })
  })

  it('a stream that is truncated as a whole reads as empty, and the conflict tells its true version', async () => {
    const { store, client, name } = setUp()
    await store.append('Order-1', events(5))
    await client.setStreamMetadata(name, { truncateBefore: 100 })
    expect(await store.readStream('Order-1').toArray()).toEqual([])
    await expect(store.append('Order-1', events(1), { expectedVersion: 0 })).rejects.toMatchObject({
      actual: 5,
    })
  })
})
