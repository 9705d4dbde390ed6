import type { EventStore, Position, RecordedEvent } from '@annals/core'
import type { CaseContext, ConformanceCase } from '../case.js'
import { ascending, equal, gapless, ok, sameEvents, sameOrder, settle } from '../check.js'
import { draft, drafts, idsOf, times, writeOthers } from '../fixtures.js'
import { settledMeanwhile } from '../gates.js'

export const globalOrderCases: readonly ConformanceCase[] = [
  {
    id: 'ALL-1/readers-agree',
    rule: 'ALL-1',
    title: 'reads taken while writers run, through two handles, agree with the order at the end',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      const reads: RecordedEvent[][] = []
      const running = writers(t, [t.store, other], 4, 12)
      do {
        reads.push(
          ...(await Promise.all([t.store.readAll().toArray(), other.readAll().toArray()])),
          (await other.readAll({ direction: 'backwards' }).toArray()).reverse(),
        )
      } while (!(await settledMeanwhile(running.done, 0)))
      await t.waitFor('the writers', running.done)
      const final = await t.store.readAll().toArray()
      sameEvents(await other.readAll().toArray(), final, 'all events through the second handle')
      const place = new Map(final.map((e, i) => [e.id, i]))
      for (const read of reads) {
        const places = read.map((e) => place.get(e.id) ?? -1)
        ok(!places.includes(-1), 'an event read meanwhile', 'to be there at the end', 'lost')
        const wrong = places.findIndex((p, i) => i > 0 && p <= (places[i - 1] ?? -1))
        ok(
          wrong === -1,
          'the order of a read taken while writers ran',
          'the same as at the end',
          `place ${places[wrong]} of the end came after place ${places[wrong - 1]}`,
        )
      }
    },
  },
  {
    id: 'ALL-1/backwards',
    rule: 'ALL-1',
    title: 'backwards is the same order from the other end, with the same positions',
    async run(t) {
      await writeOthers(t.store)
      await t.waitFor('parallel writers', writers(t, [t.store, await t.another()], 4, 6).done)
      const forwards = await t.store.readAll().toArray()
      ascending(
        forwards.map((e) => e.position),
        'forwards',
      )
      sameEvents(
        await t.store.readAll({ direction: 'backwards' }).toArray(),
        [...forwards].reverse(),
        'backwards',
      )
      for (const streamId of ['Writer-0', 'Writer-1', 'Shared-1'])
        sameEvents(
          await t.store.readStream(streamId).toArray(),
          forwards.filter((e) => e.streamId === streamId),
          `${streamId} and its part of the global order`,
        )
    },
  },
  {
    id: 'ALL-2/versions-ascend',
    rule: 'ALL-2',
    title:
      'the events of each stream stand in the order of their versions, after contended writing',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      await t.waitFor(
        'sixty contended appends',
        Promise.all(
          times(60, (i) =>
            (i % 2 === 0 ? t.store : other).append(`Order-${i % 3}`, drafts(1 + (i % 2))),
          ),
        ),
      )
      const all = await t.store.readAll().toArray()
      for (const streamId of ['Order-0', 'Order-1', 'Order-2', 'Neighbour-1'])
        gapless(
          all.filter((e) => e.streamId === streamId),
          `${streamId} in the global order`,
        )
      for (const streamId of ['Order-0', 'Order-1', 'Order-2'])
        ascending(
          (await other.readStream(streamId).toArray()).map((e) => e.position),
          `the positions of ${streamId}`,
        )
    },
  },
  {
    id: 'ALL-3/real-time',
    rule: 'ALL-3',
    title:
      'an append acknowledged before another was begun comes first, whichever handle and stream',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      const background = writers(t, [t.store, other], 2, 25)
      const positions: Position[] = []
      const ids: string[] = []
      for (let i = 0; i < 40; i++) {
        const event = draft({ data: { i } })
        const result = await (i % 2 === 0 ? t.store : other).append(`Order-${i % 5}`, [event])
        positions.push(result.position)
        ids.push(event.id)
      }
      await t.waitFor('the writers in the background', background.done)
      ascending(positions, 'the positions of appends, each begun after the one before it')
      const all = await t.store.readAll({ filter: { categories: ['Order'] } }).toArray()
      sameOrder(idsOf(all), ids, 'appends in the order in which they were acknowledged')
    },
  },
  {
    id: 'ALL-4/held-writer',
    rule: 'ALL-4',
    title: 'a writer that commits late comes above every position given before',
    hooks: ['heldWriter'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      // Sequences that are used for the first time behave differently: warm them.
      await t.store.append('Late-1', drafts(1), { expectedVersion: 0 })
      const reader = await t.another()
      const writer = await t.hook('heldWriter')()
      await writer.store.append('Late-2', drafts(1), { expectedVersion: 0 })
      const collector = t.collect('of all', reader.subscribeToAll())
      await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)

      const hold = writer.hold()
      const late = drafts(2, 'late')
      const pending = settle(writer.store.append('Late-1', late, { expectedVersion: 1 }))
      await t.waitFor('the held append to stand before its commit', hold.arrived)
      // A store may rightly make other writers, or readers, wait for the held one: its release lets them go on.
      const beside = t.background(
        t.store.append('Early-1', drafts(3, 'early'), { expectedVersion: 0 }),
      )
      await t.waitFor('an append beside the held one', settledMeanwhile(beside))
      const reading = t.background(reader.readAll().toArray())
      const head = t.background(reader.headPosition())
      const waited = !(await t.waitFor('a read', settledMeanwhile(Promise.all([reading, head]))))
      const given = waited ? undefined : { read: await reading, head: await head }
      const messages = [...collector.messages]
      await t.waitFor('the release of the held append', hold.release())
      const outcome = await t.waitFor('the held append to end', pending)
      ok(outcome.ok, 'the released append', 'to be acknowledged', outcome)
      await t.waitFor('the append beside it', beside)

      const final = await t.waitFor('a read after the release', t.store.readAll().toArray())
      equal(final.length, 5 + 1 + 1 + 2 + 3, 'events at the end')
      const read = given ? given.read : await t.waitFor('the read that waited', reading)
      const last = read.at(-1)?.position
      sameEvents(
        [...read, ...(await reader.readAll({ after: last }).toArray())],
        final,
        'what was read while a writer was held, and then from there on',
      )
      if (given) nothingBelow(final, idsOf(given.read), given.head, 'headPosition() meanwhile')
      await t.collected('every event', collector, (c) => c.reached(final))
      sameEvents(collector.events, final, 'a subscription across the held append')
      const place = messages.at(-1)
      if (place)
        nothingBelow(
          final,
          messages.flatMap((m) => (m.kind === 'event' ? [m.event.id] : [])),
          place.kind === 'event' ? place.event.position : place.position,
          `the last position of the subscription meanwhile (${place.kind})`,
        )
    },
  },
  {
    id: 'ALL-4/held-writers-crossed',
    rule: 'ALL-4',
    title: 'two writers that commit in the reverse order of their beginning come late for nobody',
    hooks: ['heldWriter'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const reader = await t.another()
      const [first, second] = [await t.hook('heldWriter')(), await t.hook('heldWriter')()]
      const firstHold = first.hold()
      const firstAppend = settle(first.store.append('Late-1', drafts(2)))
      await t.waitFor('the first held append to stand before its commit', firstHold.arrived)
      const secondHold = second.hold()
      const secondAppend = settle(second.store.append('Late-2', drafts(2)))
      // Where there is one writer at a time, the second stands in the queue.
      await t.waitFor(
        'the second held append to stand before its commit',
        settledMeanwhile(secondHold.arrived),
      )

      const log: RecordedEvent[] = []
      const follow = async (when: string) => {
        const reading = t.background(reader.readAll({ after: log.at(-1)?.position }).toArray())
        // In an object, because what an async function returns is awaited.
        if (!(await t.waitFor('a read', settledMeanwhile(reading)))) return { reading }
        log.push(...(await reading))
        ascending(
          log.map((e) => e.position),
          `positions given ${when}`,
        )
        return undefined
      }
      const stuck: ({ reading: Promise<RecordedEvent[]> } | undefined)[] = []
      stuck.push(await follow('while two writers are held'))
      await t.waitFor('the release of the second append', secondHold.release())
      await t.waitFor('the second append to end', settledMeanwhile(secondAppend))
      if (!stuck[0]) stuck.push(await follow('after the second was released'))
      await t.waitFor('the release of the first append', firstHold.release())
      await t.waitFor('the first append to end', firstAppend)
      await t.waitFor('the second append to end', secondAppend)
      for (const waiting of stuck)
        if (waiting) log.push(...(await t.waitFor('the read that waited', waiting.reading)))
      log.push(...(await reader.readAll({ after: log.at(-1)?.position }).toArray()))
      sameEvents(log, await t.store.readAll().toArray(), 'the order followed page by page')
    },
  },
  {
    id: 'ALL-4/follower',
    rule: 'ALL-4',
    title: 'a reader that goes on from its last position while many write misses nothing',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      const running = writers(t, [t.store, other], 6, 12)
      const log: RecordedEvent[] = []
      const heads: { position: Position | null; below: number }[] = []
      let stopped = false
      while (!stopped) {
        stopped = await settledMeanwhile(running.done, 0)
        const position = await other.headPosition()
        for await (const event of other.readAll({ after: log.at(-1)?.position })) log.push(event)
        heads.push({
          position,
          below: log.filter((e) => position && e.position <= position).length,
        })
      }
      await t.waitFor('the writers', running.done)
      log.push(...(await other.readAll({ after: log.at(-1)?.position }).toArray()))
      const final = await t.store.readAll().toArray()
      sameEvents(log, final, 'the order followed while writers ran')
      for (const { position, below } of heads)
        equal(
          final.filter((e) => position && e.position <= position).length,
          below,
          `events up to a head that was given meanwhile (${position})`,
        )
    },
  },
  {
    id: 'ALL-5/all-there',
    rule: 'ALL-5',
    title: 'when the last of many appends is acknowledged, the order holds them all at once',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      for (let round = 1; round <= 4; round++) {
        const results = await t.waitFor(
          'twelve parallel appends',
          Promise.all(
            times(12, (i) => (i % 2 === 0 ? t.store : other).append(`Order-${i % 4}`, drafts(2))),
          ),
        )
        const last =
          results
            .map((r) => r.position)
            .sort()
            .at(-1) ?? ''
        for (const store of [other, t.store]) {
          equal(await store.headPosition(), last, 'headPosition right after the last result')
          const all = await store.readAll().toArray()
          equal(all.length, 5 + round * 24, 'events right after the last result')
          const [newest] = await store.readAll({ direction: 'backwards', limit: 1 }).toArray()
          equal(newest?.position, last, 'the newest event, read backwards')
        }
      }
    },
  },
  {
    id: 'ALL-5/dead-writer',
    rule: 'ALL-5',
    title: 'a writer that died before its commit does not hide others’ events',
    hooks: ['heldWriter'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const reader = await t.another()
      const writer = await t.hook('heldWriter')()
      const hold = writer.hold()
      const pending = settle(writer.store.append('Dead-1', drafts(2)))
      await t.waitFor('the held append to stand before its commit', hold.arrived)
      const alive = drafts(3)
      const beside = t.background(t.store.append('Order-1', alive, { expectedVersion: 0 }))
      await t.waitFor('an append beside the held one', settledMeanwhile(beside))
      const collector = t.collect('of all', reader.subscribeToAll())
      await t.waitFor('the writer to be killed', writer.kill())
      await t.waitFor('the append beside the dead writer', beside)
      await t.until('a reader to see the event of the living writer', async () => {
        const all = await reader.readAll().toArray()
        return all.some((e) => e.id === alive[2]?.id)
      })
      await t.collected('the events of the living writer', collector, (c) => c.events.length >= 8)
      await t.waitFor('the killed append to end', pending)
      const more = await t.store.append('Order-1', drafts(1), { expectedVersion: 3 })
      await t.until('a reader to see a later event', async () => {
        return (await reader.headPosition()) === more.position
      })
      const final = await reader.readAll().toArray()
      equal(final.length, 9, 'events at the end')
      equal(await reader.streamVersion('Dead-1'), 0, 'the version of the dead writer’s stream')
    },
  },
  {
    id: 'ALL-6/foreign-transaction',
    rule: 'ALL-6',
    title: 'a transaction of somebody else that stays open delays neither readers nor writers',
    hooks: ['foreignTransaction'],
    async run(t) {
      await writeOthers(t.store)
      const foreign = await t.waitFor('the foreign transaction', t.hook('foreignTransaction')())
      t.atEnd(() => foreign.end())
      const reader = await t.another()
      const collector = t.collect('of all', reader.subscribeToAll({ after: 'end' }))
      await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
      const { position } = await t.waitFor(
        'an append beside the foreign transaction',
        t.store.append('Order-1', drafts(2), { expectedVersion: 0 }),
      )
      for (const store of [t.store, reader]) {
        const all = await t.waitFor('a read beside it', store.readAll().toArray())
        equal(all.length, 7, 'events read while a foreign transaction is open')
        equal(await store.headPosition(), position, 'headPosition while it is open')
      }
      await t.collected('both events while a foreign transaction is open', collector, (c) => {
        return c.events.length === 2
      })
      await foreign.end()
    },
  },
]

/** Writers that each fill a stream of their own and one that all share. */
function writers(
  t: CaseContext,
  stores: readonly EventStore[],
  count: number,
  appends: number,
): { done: Promise<unknown> } {
  const done = Promise.all(
    times(count, async (i) => {
      const store = stores[i % stores.length] ?? t.store
      for (let n = 0; n < appends; n++)
        await (n % 3 === 2
          ? store.append('Shared-1', drafts(1))
          : store.append(`Writer-${i}`, drafts(1 + (n % 2))))
    }),
  )
  done.catch(() => {})
  return { done }
}

/** Whoever was given `position` had been given every event up to it. */
function nothingBelow(
  final: readonly RecordedEvent[],
  given: readonly string[],
  position: Position | null,
  what: string,
): void {
  if (position === null) return
  const known = new Set(given)
  const late = final.filter((e) => e.position <= position && !known.has(e.id))
  ok(
    late.length === 0,
    `${what}: ${position}`,
    'no event at or below it that appears later',
    late.map((e) => `${e.streamId}@${e.version} (${e.position})`),
  )
}
