import { setImmediate as turn } from 'node:timers/promises'
import type { RecordedEvent } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, fails, gapless, ok, sameEvents, sameIds, sameOrder, settle } from '../check.js'
import { draft, drafts, fill, idsOf, times, writeOthers } from '../fixtures.js'
import { settledMeanwhile } from '../gates.js'
import { malformedEvents } from './malformed-events.js'

export const appendCases: readonly ConformanceCase[] = [
  {
    id: 'APPEND-1/reads-back',
    rule: 'APPEND-1',
    title: 'what was acknowledged reads back, from another handle, and stays as it was',
    async run(t) {
      await writeOthers(t.store)
      const first = drafts(3, 'first')
      const result = await t.store.append('Order-1', first, { expectedVersion: 0 })
      const before = await t.store.readStream('Order-1').toArray()
      sameIds(before, first, 'the stream right after the append')
      equal(result.position, before[2]?.position, 'the position of the last event')

      await fill(t.store, 'Order-2', 40, { chunk: 7 })
      await t.store.append('Order-1', drafts(2, 'later'), { expectedVersion: 3 })
      const other = await t.another()
      const after = await other.readStream('Order-1', { limit: 3 }).toArray()
      sameEvents(after, before, 'the same events after others were written, from another handle')
    },
  },
  {
    id: 'APPEND-1/reopened',
    rule: 'APPEND-1',
    title: 'what was acknowledged is there after every handle was closed and one was opened again',
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(3), { expectedVersion: 0 })
      const before = await t.store.readAll().toArray()
      await t.waitFor('the first handle to close', t.store.close())
      const again = await t.another()
      sameEvents(await again.readAll().toArray(), before, 'all events after reopening')
      const next = await again.append('Order-1', [draft()], { expectedVersion: 3 })
      equal(next.version, 4, 'the version after reopening')
      ok(
        next.position > (before.at(-1)?.position ?? ''),
        'the position of an event after reopening',
        'above every position given before',
        next.position,
      )
    },
  },
  {
    id: 'APPEND-1/killed-server',
    rule: 'APPEND-1',
    title: 'nothing that was acknowledged is lost when the server is killed under load',
    hooks: ['restartServer'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const acknowledged = new Map<string, string[]>()
      const halfway = t.gate('each writer to have ten acknowledged appends')
      let stop = false
      const writers = times(4, async (i) => {
        const stream = `Order-${i + 1}`
        const ids: string[] = []
        acknowledged.set(stream, ids)
        while (!stop) {
          const event = draft({ data: { i, n: ids.length + 1 } })
          await t.until(`writer ${i + 1} to have its append acknowledged`, async () => {
            const outcome = await settle(
              t.store.append(stream, [event], { expectedVersion: ids.length }),
            )
            if (outcome.ok) {
              equal(outcome.value.version, ids.length + 1, `the version in ${stream}`)
              return true
            }
            await fails(
              Promise.reject(outcome.error),
              ['UNAVAILABLE', 'UNKNOWN_OUTCOME'],
              `an append to ${stream} while the server is killed`,
            )
            return false
          })
          ids.push(event.id)
          if ([...acknowledged.values()].every((list) => list.length >= 10)) halfway.open()
        }
      })
      const writing = t.background(Promise.all(writers))
      await t.waitFor(halfway.name, Promise.race([halfway.opened, writing]))
      await t.waitFor('the server to be killed and started', t.hook('restartServer')())
      const atRestart = [...acknowledged.values()].map((list) => list.length)
      await t.until('each writer to go on after the restart', () =>
        [...acknowledged.values()].every((list, i) => list.length > (atRestart[i] ?? 0)),
      )
      stop = true
      await t.waitFor('the writers to end', writing)
      for (const [stream, ids] of acknowledged) {
        const events = await t.store.readStream(stream).toArray()
        sameOrder(idsOf(events), ids, `${stream}: what was acknowledged`)
        gapless(events, stream)
      }
    },
  },
  {
    id: 'APPEND-2/all-at-once',
    rule: 'APPEND-2',
    title: 'a reader sees all the events of an append or none, while appends go on',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const reader = await t.another()
      let writing = true
      const writer = t.background(
        (async () => {
          for (let i = 0; i < 15; i++)
            await t.store.append('Order-1', drafts(20, `append ${i}`), { expectedVersion: i * 20 })
        })().finally(() => {
          writing = false
        }),
      )
      do {
        const stream = await reader.readStream('Order-1').toArray()
        equal(
          stream.length % 20,
          0,
          `Order-1 read while appends of 20 go on: ${stream.length} % 20`,
        )
        const all = await reader.readAll({ filter: { categories: ['Order'] } }).toArray()
        equal(all.length % 20, 0, `all events read while appends of 20 go on: ${all.length} % 20`)
        const version = await reader.streamVersion('Order-1')
        equal(version % 20, 0, `streamVersion while appends of 20 go on: ${version} % 20`)
      } while (writing)
      await t.waitFor('the writer', writer)
    },
  },
  {
    id: 'APPEND-2/held',
    rule: 'APPEND-2',
    title: 'an append that has not committed is not visible, afterwards it is visible whole',
    hooks: ['heldWriter'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2), { expectedVersion: 0 })
      const writer = await t.hook('heldWriter')()
      const hold = writer.hold()
      const pending = settle(writer.store.append('Order-1', drafts(5), { expectedVersion: 2 }))
      await t.waitFor('the held append to stand before its commit', hold.arrived)
      // A store may rightly make the reader wait.
      const reading = t.background(t.store.readStream('Order-1').toArray())
      const waited = !(await t.waitFor('a read', settledMeanwhile(reading)))
      if (!waited)
        equal((await reading).length, 2, 'events of the stream while an append of five is held')
      await t.waitFor('the release of the held append', hold.release())
      const outcome = await t.waitFor('the held append to end', pending)
      ok(outcome.ok, 'the released append', 'to be acknowledged', outcome)
      const after = await t.store.readStream('Order-1').toArray()
      equal(after.length, 7, 'events of the stream after the release')
      gapless(after, 'Order-1')
      const read = await t.waitFor('the read', reading)
      ok(
        read.length === 2 || (waited && read.length === 7),
        'a read that was begun while an append of five was held',
        'all of it or nothing',
        read.length,
      )
    },
  },
  {
    id: 'APPEND-2/adjacent',
    rule: 'APPEND-2',
    title: 'events of one append are adjacent in the global order, with many writers at once',
    concurrent: true,
    async run(t) {
      const other = await t.another()
      const appends = times(30, (i) => ({ stream: `Order-${i % 3}`, events: drafts(4, `a${i}`) }))
      await t.waitFor(
        'thirty parallel appends',
        Promise.all(
          appends.map(({ stream, events }, i) =>
            (i % 2 === 0 ? t.store : other).append(stream, events),
          ),
        ),
      )
      const all = await t.store.readAll().toArray()
      equal(all.length, 120, 'events in the global order')
      for (const { stream, events } of appends) {
        const at = all.findIndex((e) => e.id === events[0]?.id)
        const run = all.slice(at, at + events.length)
        sameIds(run, events, `an append to ${stream}, found at place ${at} of all`)
        const first = run[0]?.version ?? 0
        equal(
          run.map((e) => e.version),
          run.map((_, i) => first + i),
          `the versions of one append to ${stream}`,
        )
      }
    },
  },
  {
    id: 'APPEND-3/conflict',
    rule: 'APPEND-3',
    title: 'a conflict leaves no event, no version and no id behind',
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2), { expectedVersion: 0 })
      const before = await t.store.readAll().toArray()
      const rejected = drafts(3, 'rejected')
      await fails(
        t.store.append('Order-1', rejected, { expectedVersion: 1 }),
        'WRONG_EXPECTED_VERSION',
        'an append with a stale version',
      )
      await fails(
        t.store.append('Order-2', rejected, { expectedVersion: 'exists' }),
        'WRONG_EXPECTED_VERSION',
        "an append with 'exists' to a stream that was never written",
      )
      await unchanged(t.store, before, 'after two conflicts')
      equal(await t.store.streamVersion('Order-2'), 0, 'version of the stream never written')
      const retried = await t.store.append('Order-1', rejected, { expectedVersion: 2 })
      equal(retried.version, 5, 'version after the same events were appended with the true version')
      const first = await t.store.append('Order-2', drafts(1), { expectedVersion: 0 })
      equal(first.version, 1, 'the first version of a stream whose first append was rejected')
    },
  },
  {
    id: 'APPEND-3/refused-while-created',
    rule: 'APPEND-3',
    title:
      'an append refused because its stream is not there leaves a stream alone that is created meanwhile',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      for (let round = 0; round < 80; round++) {
        const stream = `Order-${round}`
        const refused = fails(
          other.append(stream, drafts(1, 'refused'), { expectedVersion: 5 }),
          'WRONG_EXPECTED_VERSION',
          `an append to ${stream} with a version it never had`,
        )
        // Each round a little later than the one before, so that the creation falls into every part of the refusal.
        for (let i = 0; i < round % 16; i++) await turn()
        const created = t.store.append(stream, drafts(1), { expectedVersion: 0 })
        await t.waitFor('the refusal and the creation', Promise.all([refused, created]))
        equal(await other.streamVersion(stream), 1, `the version of ${stream}`)
        const next = await t.store.append(stream, drafts(1), { expectedVersion: 1 })
        equal(next.version, 2, `the next version of ${stream}`)
      }
    },
  },
  {
    id: 'APPEND-3/refused-arguments',
    rule: 'APPEND-3',
    title: 'an append with one bad event among good ones leaves nothing behind',
    async run(t) {
      const before = await writeOthers(t.store)
      const good = drafts(2)
      await fails(
        t.store.append('Order-1', [...good, draft({ data: Number.NaN })]),
        'INVALID_ARGUMENT',
        'an append whose last event has NaN as data',
      )
      await fails(
        t.store.append('Order-1', [...good, draft({ data: 'x'.repeat(300 * 1024) })]),
        'TOO_LARGE',
        'an append whose last event is too large',
      )
      await unchanged(t.store, before, 'after refused appends')
      const next = await t.store.append('Order-1', good, { expectedVersion: 0 })
      equal(next.version, 2, 'version after the good events alone')
    },
  },
  {
    id: 'APPEND-3/aborted-before',
    rule: 'APPEND-3',
    title:
      'an append whose signal was aborted before the call fails with ABORTED and leaves nothing',
    async run(t) {
      const before = await writeOthers(t.store)
      await fails(
        t.store.append('Order-1', drafts(2), {
          expectedVersion: 0,
          signal: AbortSignal.abort(new Error('the caller changed its mind')),
        }),
        'ABORTED',
        'an append with an aborted signal',
      )
      await unchanged(t.store, before, 'after an aborted append')
      const next = await t.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      equal(next.version, 1, 'the version of the next append')
    },
  },
  {
    id: 'APPEND-3/killed-writer',
    rule: 'APPEND-3',
    title: 'an append whose writer died before the commit never takes effect',
    hooks: ['heldWriter'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      const writer = await t.hook('heldWriter')()
      const hold = writer.hold()
      const lost = drafts(3, 'lost')
      const pending = settle(writer.store.append('Order-1', lost, { expectedVersion: 1 }))
      await t.waitFor('the held append to stand before its commit', hold.arrived)
      await t.waitFor('the writer to be killed', writer.kill())
      const next = await t.waitFor(
        'an append to the same stream',
        t.store.append('Order-1', drafts(1, 'next'), { expectedVersion: 1 }),
      )
      equal(next.version, 2, 'the version of the next append')
      const outcome = await t.waitFor('the killed append to end', pending)
      ok(!outcome.ok, 'the append of the killed writer', 'not to be acknowledged', outcome)
      const events = await t.store.readStream('Order-1').toArray()
      equal(events.length, 2, 'events in the stream')
      gapless(events, 'Order-1')
      const all = await t.store.readAll().toArray()
      ok(
        !all.some((e) => lost.some((l) => l.id === e.id)),
        'all events after the writer died',
        'none of the append that never committed',
        all.map((e) => e.id),
      )
    },
  },
  {
    id: 'APPEND-4/mixed-writers',
    rule: 'APPEND-4',
    title:
      'writers, conflicts, repeats and refusals at once leave versions without gap or duplicate',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      const acknowledged = new Set<string>()
      const refused = new Set<string>()
      await t.waitFor(
        'eight writers',
        Promise.all(
          times(8, async (i) => {
            const store = i % 2 === 0 ? t.store : other
            for (let n = 0; n < 6; n++) {
              const events = drafts(1 + (n % 3), `writer ${i}`)
              const expectedVersion =
                i % 4 === 0 ? ('any' as const) : await store.streamVersion('Order-1')
              const outcome = await settle(store.append('Order-1', events, { expectedVersion }))
              if (!outcome.ok)
                await fails(
                  Promise.reject(outcome.error),
                  'WRONG_EXPECTED_VERSION',
                  'an append that lost',
                )
              for (const event of events) (outcome.ok ? acknowledged : refused).add(event.id)
              if (outcome.ok && n % 2 === 0 && expectedVersion !== 'any')
                equal(
                  await store.append('Order-1', events, { expectedVersion }),
                  outcome.value,
                  'the repeat of an append',
                )
            }
          }),
        ),
      )
      const events = await t.store.readStream('Order-1').toArray()
      gapless(events, 'Order-1')
      equal(
        idsOf(events).sort(),
        [...acknowledged].sort(),
        'the ids in the stream are those that were acknowledged',
      )
      ok(
        events.every((e) => !refused.has(e.id)),
        'the ids in the stream',
        'none that was refused',
        idsOf(events).filter((id) => refused.has(id)),
      )
      equal(await other.streamVersion('Order-1'), events.length, 'streamVersion')
    },
  },
  {
    id: 'APPEND-4/cut-connections',
    rule: 'APPEND-4',
    title: 'cut connections leave versions without gap or duplicate',
    hooks: ['fragileHandle'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const fragile = await t.hook('fragileHandle')()
      const ids: string[] = []
      for (let n = 0; n < 8; n++) {
        const events = drafts(1 + (n % 2), `append ${n}`)
        if (n % 4 === 1) fragile.cutAfterCommit()
        if (n % 4 === 3) fragile.cutBeforeRequest()
        await t.waitFor(
          `append ${n}`,
          fragile.store.append('Order-1', events, { expectedVersion: ids.length }),
        )
        ids.push(...idsOf(events))
      }
      equal(fragile.struck, 4, 'cuts that have struck')
      const events = await t.store.readStream('Order-1').toArray()
      sameOrder(idsOf(events), ids, 'the stream')
      gapless(events, 'Order-1')
    },
  },
  {
    id: 'APPEND-5/last-event',
    rule: 'APPEND-5',
    title: 'the result is the version and the position of the last event of the append',
    async run(t) {
      await writeOthers(t.store)
      let version = 0
      for (const count of [1, 3, 1, 12]) {
        const result = await t.store.append('Order-1', drafts(count), { expectedVersion: version })
        version += count
        const [last] = await t.store
          .readStream('Order-1', { direction: 'backwards', limit: 1 })
          .toArray()
        equal(
          { version: result.version, position: result.position },
          { version, position: last?.position },
          `the result of an append of ${count}`,
        )
        equal(last?.version, version, 'the version of the last event')
        equal(await t.store.headPosition(), result.position, 'headPosition')
      }
    },
  },
  {
    id: 'APPEND-5/parallel',
    rule: 'APPEND-5',
    title: 'each of many parallel appends gets its own result, not its neighbour’s',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const appends = times(40, (i) => ({ stream: `Order-${i % 7}`, events: drafts(1 + (i % 3)) }))
      const results = await t.waitFor(
        'forty parallel appends',
        Promise.all(appends.map(({ stream, events }) => t.store.append(stream, events))),
      )
      const byId = new Map((await t.store.readAll().toArray()).map((e) => [e.id, e]))
      for (const [i, { stream, events }] of appends.entries()) {
        const last = byId.get(events.at(-1)?.id ?? '')
        const { version, position } = results[i] ?? {}
        equal(
          { version, position },
          { version: last?.version, position: last?.position },
          `the result of parallel append ${i} to ${stream}`,
        )
      }
    },
  },
  {
    id: 'APPEND-6/refusals',
    rule: 'APPEND-6',
    title: 'malformed events, ids and lists are refused with INVALID_ARGUMENT and leave nothing',
    async run(t) {
      const before = await writeOthers(t.store)
      for (const [what, events] of malformedEvents())
        await fails(
          async () => t.store.append('Order-1', events),
          'INVALID_ARGUMENT',
          `an append with ${what}`,
        )
      await unchanged(t.store, before, 'after refused appends')
    },
  },
  {
    id: 'APPEND-6/expectations',
    rule: 'APPEND-6',
    title: 'a malformed expectedVersion is refused with INVALID_ARGUMENT',
    async run(t) {
      const before = await writeOthers(t.store)
      for (const wrong of [
        -1,
        1.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        2 ** 53,
        '0',
        'none',
        null,
      ])
        await fails(
          async () =>
            t.store.append('Order-1', drafts(1), { expectedVersion: wrong as unknown as number }),
          'INVALID_ARGUMENT',
          `an append with expectedVersion ${String(wrong)} (${typeof wrong})`,
        )
      await unchanged(t.store, before, 'after refused appends')
    },
  },
  {
    id: 'APPEND-6/nothing-sent',
    rule: 'APPEND-6',
    title: 'nothing is sent for an append that is refused',
    hooks: ['requestCount'],
    async run(t) {
      await writeOthers(t.store)
      const requests = t.hook('requestCount')
      const before = await requests()
      for (const [what, events] of malformedEvents())
        await fails(
          async () => t.store.append('Order-1', events),
          'INVALID_ARGUMENT',
          `an append with ${what}`,
        )
      equal((await requests()) - before, 0, 'requests sent for refused appends')
    },
  },
  {
    id: 'APPEND-6/given-ids',
    rule: 'APPEND-6',
    title:
      'an id may be given in either case and reads back in lower case; ids are made where none is given',
    async run(t) {
      await writeOthers(t.store)
      const given = draft()
      await t.store.append('Order-1', [
        { ...given, id: given.id.toUpperCase() },
        { type: 'OrderShipped', data: null },
        { type: 'OrderShipped', data: null },
      ])
      const [first, second, third] = await t.store.readStream('Order-1').toArray()
      equal(first?.id, given.id, 'the id given in upper case')
      const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
      for (const made of [second?.id, third?.id])
        ok(uuid.test(made ?? ''), 'an id that the store made', 'a UUID in lower case', made)
      ok(second?.id !== third?.id, 'two ids that the store made', 'to differ', [
        second?.id,
        third?.id,
      ])
    },
  },
]

async function unchanged(
  store: { readAll(): { toArray(): Promise<RecordedEvent[]> } },
  before: readonly RecordedEvent[],
  when: string,
): Promise<void> {
  sameEvents(await store.readAll().toArray(), before, `all events ${when}`)
}
