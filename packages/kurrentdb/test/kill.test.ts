import { randomUUID } from 'node:crypto'
import { type AllMessage, isEventStoreError, type StreamMessage } from '@annals/core'
import { expect, it } from 'vitest'
import { onEachServer } from './support/on-each-server.js'
import { startReal, startStandIn } from './support/servers.js'

const writers = 64
const streamsPerKind = 16
/**
 * The server is killed in the middle of 20,000 appends by 64 writers (4,000 on the stand-in), with readers and subscriptions at work, and
 * started again on its disk. A third of the writers expects exact versions, a third nothing, a third existence.
 */
onEachServer([await startStandIn(), await startReal(true)], (bench) => {
  it('kill -9 under load: nothing acknowledged is lost, nothing comes twice, every subscription goes on', {
    timeout: 180_000,
  }, async () => {
    const { server } = bench
    const total = server.standIn ? 4_000 : 20_000
    const perWriter = Math.floor(total / writers)
    const namespace = bench.namespace()
    const store = bench.store({ namespace, retryBudgetMs: 60_000 })
    const other = bench.store({ namespace, retryBudgetMs: 60_000 })
    // 'exists' needs streams that do.
    for (let s = 0; s < streamsPerKind; s++)
      await store.append(`Exists-${s}`, [{ type: 'Made', data: {} }])

    const acknowledged = new Map<string, string>()
    let done = 0
    let kill = () => {}
    const midway = new Promise<void>((resolve) => {
      kill = resolve
    })
    const write = async (writer: number) => {
      let version = 0
      for (let i = 0; i < perWriter; i++) {
        const id = randomUUID()
        const events = [{ type: 'Written', data: { writer, i }, id }]
        const [streamId, expectedVersion] = (
          [
            [`Exact-${writer}`, version],
            [`Any-${writer % streamsPerKind}`, 'any'],
            [`Exists-${writer % streamsPerKind}`, 'exists'],
          ] as const
        )[writer % 3]!
        const result = await store.append(streamId, events, { expectedVersion })
        if (writer % 3 === 0) expect(result.version).toBe(version + 1)
        version = result.version
        acknowledged.set(id, result.position)
        if (++done === total / 2) kill()
      }
    }

    const expected = perWriter * writers + streamsPerKind
    const follow = async <M extends AllMessage | StreamMessage>(
      messages: AsyncIterable<M>,
      count: number,
    ) => {
      const got: { id: string; position: string }[] = []
      for await (const message of messages) {
        if (message.kind !== 'event') continue
        got.push(message.event)
        if (got.length === count) break
      }
      return got
    }
    const all = follow(other.subscribeToAll(), expected)
    const filtered = follow(
      other.subscribeToAll({ filter: { categories: ['Exact'] } }),
      Math.ceil(writers / 3) * perWriter,
    )
    const oneStream = follow(other.subscribeToStream('Exact-0'), perWriter)

    let reading = true
    const reader = (async () => {
      let reads = 0
      while (reading) {
        const seen = new Set<string>()
        let last = ''
        for await (const event of other.readAll({ direction: 'backwards', limit: 500 })) {
          expect(seen.has(event.id), 'a read that gives an event twice').toBe(false)
          seen.add(event.id)
          if (last !== '') expect(event.position < last).toBe(true)
          last = event.position
        }
        reads++
      }
      return reads
    })()

    const writing = Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
    await midway
    await server.restart!()
    await writing.catch((error: unknown) => {
      throw isEventStoreError(error)
        ? new Error(`${error.code}: ${error.message}`, { cause: error })
        : error
    })
    reading = false
    expect(await reader).toBeGreaterThan(0)

    const stored = await store.readAll().toArray()
    const ids = stored.map((event) => event.id)
    expect(new Set(ids).size, 'events stored twice').toBe(ids.length)
    expect(stored.length).toBe(expected)
    const positions = new Map(stored.map((event) => [event.id, event.position]))
    for (const [id, position] of acknowledged)
      expect(positions.get(id), 'an acknowledged event and its position').toBe(position)
    expect((await all).map((event) => event.id)).toEqual(ids)
    const inCategory = (category: string) =>
      stored.filter((event) => event.streamId.startsWith(`${category}-`)).map((event) => event.id)
    expect((await filtered).map((event) => event.id)).toEqual(inCategory('Exact'))
    expect((await oneStream).map((event) => event.id)).toEqual(
      stored.filter((event) => event.streamId === 'Exact-0').map((event) => event.id),
    )
  })
})
