import type { AppendResult, EventStore, ExpectedVersion } from '@annals/core'
import type { CaseContext, ConformanceCase, Need } from '../case.js'
import { equal, fails, gapless, ok, sameIds, settle } from '../check.js'
import {
  type Draft,
  draft,
  drafts,
  fill,
  idsOf,
  looseExpectations,
  times,
  writeOthers,
} from '../fixtures.js'

/** Where loose repeats are only recognised for a while: recognised or written whole, never anything in between. */
const idempotentAny: Need = {
  capability: 'idempotentAny',
  offered: (capabilities) => capabilities.idempotentAny === 'always',
  otherwise: {
    title: "a repeat with 'any' or 'exists' is recognised or written whole",
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2), { expectedVersion: 0 })
      for (const expectedVersion of looseExpectations) {
        const events = drafts(3, expectedVersion)
        const first = await t.store.append('Order-1', events, { expectedVersion })
        await t.store.append('Order-1', drafts(1))
        const before = await t.store.streamVersion('Order-1')
        const again = await (await t.another()).append('Order-1', events, { expectedVersion })
        const recognised = again.version === first.version
        equal(
          again.version,
          recognised ? first.version : before + 3,
          `the version after a repeat with '${expectedVersion}'`,
        )
        const stream = await t.store.readStream('Order-1').toArray()
        gapless(stream, 'Order-1')
        equal(stream.length, recognised ? before : before + 3, 'events in the stream')
        sameIds(
          stream.slice(again.version - 3, again.version),
          events,
          'the events up to the version that the repeat was told',
        )
      }
    },
  },
}

/** Where the server checks ids only when the expectation fails: refused or written whole, never a part. */
const uniqueEventIds: Need = {
  capability: 'uniqueEventIds',
  offered: (capabilities) => capabilities.uniqueEventIds === 'stream',
  otherwise: {
    title: 'an append with a known id is refused or written whole',
    async run(t) {
      await writeOthers(t.store)
      const old = drafts(2, 'old')
      await t.store.append('Order-1', old, { expectedVersion: 0 })
      let version = 2
      for (const events of [old, [draft(), ...old], [...drafts(2), old[0] as Draft]])
        for (const expectedVersion of [version, 'any', 'exists'] as const) {
          const outcome = await settle(t.store.append('Order-1', events, { expectedVersion }))
          if (!outcome.ok)
            await fails(
              Promise.reject(outcome.error),
              ['DUPLICATE_EVENT_ID', 'WRONG_EXPECTED_VERSION'],
              'an append with a known id',
            )
          const now = await t.store.streamVersion('Order-1')
          ok(
            now === version || now === version + events.length,
            'the version after an append with a known id',
            `${version} or ${version + events.length}`,
            now,
          )
          version = now
        }
      gapless(await t.store.readStream('Order-1').toArray(), 'Order-1')
    },
  },
}

export const idempotencyCases: readonly ConformanceCase[] = [
  {
    id: 'IDEM-1/repeat',
    rule: 'IDEM-1',
    title: 'a repeat with the same number writes nothing and returns the first result',
    async run(t) {
      await writeOthers(t.store)
      let version = 0
      for (const count of [1, 3, 20]) {
        const events = drafts(count)
        const first = await t.store.append('Order-1', events, { expectedVersion: version })
        await repeats(t.store, 'Order-1', events, version, first)
        await repeats(t.store, 'Order-1', events, version, first)
        version += count
      }
      gapless(await t.store.readStream('Order-1').toArray(), 'Order-1')
      equal(await t.store.streamVersion('Order-1'), version, 'the version after all repeats')
    },
  },
  {
    id: 'IDEM-1/after-other-events',
    rule: 'IDEM-1',
    title: 'a repeat is recognised after hundreds of other events, in this stream and in others',
    async run(t) {
      await writeOthers(t.store)
      const start = drafts(2, 'start')
      const middle = drafts(3, 'middle')
      const first = await t.store.append('Order-1', start, { expectedVersion: 0 })
      const second = await t.store.append('Order-1', middle, { expectedVersion: 2 })
      await fill(t.store, 'Order-1', 300, { from: 5 })
      await fill(t.store, 'Order-2', 100)
      await repeats(t.store, 'Order-1', start, 0, first)
      await repeats(t.store, 'Order-1', middle, 2, second)
      equal(await t.store.streamVersion('Order-1'), 305, 'the version after the repeats')
    },
  },
  {
    id: 'IDEM-1/another-handle',
    rule: 'IDEM-1',
    title:
      'a repeat through another handle, and through one opened later, returns the first result',
    async run(t) {
      await writeOthers(t.store)
      const events = drafts(3)
      const first = await t.store.append('Order-1', events, { expectedVersion: 0 })
      await repeats(await t.another(), 'Order-1', events, 0, first)
      await t.store.append('Order-1', drafts(1), { expectedVersion: 3 })
      await t.waitFor('the first handle to close', t.store.close())
      await repeats(await t.another(), 'Order-1', events, 0, first)
    },
  },
  {
    id: 'IDEM-1/ids-in-either-case',
    rule: 'IDEM-1',
    title: 'an id in upper case repeats the same id in lower case',
    async run(t) {
      await writeOthers(t.store)
      const events = drafts(2)
      const first = await t.store.append('Order-1', events, { expectedVersion: 0 })
      const upper = events.map((e) => ({ ...e, id: e.id.toUpperCase() }))
      await repeats(t.store, 'Order-1', upper, 0, first)
    },
  },
  {
    id: 'IDEM-1/races-with-itself',
    rule: 'IDEM-1',
    title: 'ten copies of one append at once, through two handles, all return the same result',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      for (const [streamId, version, count] of [
        ['Order-1', 0, 1],
        ['Order-1', 1, 4],
        ['Order-2', 0, 3],
      ] as const) {
        const events = drafts(count)
        const results = await t.waitFor(
          'ten copies of one append',
          Promise.all(
            times(10, (i) =>
              (i % 2 === 0 ? t.store : other).append(streamId, events, {
                expectedVersion: version,
              }),
            ),
          ),
        )
        for (const result of results)
          equal(result, results[0], `the results of copies of one append to ${streamId}`)
        equal(results[0]?.version, version + count, 'the version of the result')
        const stream = await other.readStream(streamId, { fromVersion: version + 1 }).toArray()
        sameIds(stream, events, `${streamId} after ten copies of one append`)
      }
    },
  },
  {
    id: 'IDEM-1/races-with-a-rival',
    rule: 'IDEM-1',
    title:
      'copies of two rival appends at once: all the copies of one succeed, all of the other conflict',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      for (let version = 0; version < 6; version += 2) {
        const rivals = [drafts(2, 'red'), drafts(2, 'blue')] as const
        const outcomes = await t.waitFor(
          'copies of two rival appends',
          Promise.all(
            times(12, async (i) => {
              const side = i % 2
              const store = i % 4 < 2 ? t.store : other
              const outcome = await settle(
                store.append('Order-1', rivals[side] ?? [], { expectedVersion: version }),
              )
              return { side, outcome }
            }),
          ),
        )
        const stream = await t.store.readStream('Order-1', { fromVersion: version + 1 }).toArray()
        const winner = stream[0]?.id === rivals[0][0]?.id ? 0 : 1
        sameIds(stream, rivals[winner], 'the winner’s events')
        for (const { side, outcome } of outcomes)
          if (side === winner)
            ok(
              outcome.ok && outcome.value.version === version + 2,
              'a copy of the append that won',
              `the first result, version ${version + 2}`,
              outcome,
            )
          else if (outcome.ok) equal(outcome.value, 'a conflict', 'a copy of the append that lost')
          else
            await fails(
              Promise.reject(outcome.error),
              'WRONG_EXPECTED_VERSION',
              'a copy of the append that lost',
            )
      }
    },
  },
  {
    id: 'IDEM-1/after-a-restart',
    rule: 'IDEM-1',
    title: 'a repeat is recognised after the server was killed and started',
    hooks: ['restartServer'],
    async run(t) {
      await writeOthers(t.store)
      const events = drafts(3)
      const first = await t.store.append('Order-1', events, { expectedVersion: 0 })
      await t.store.append('Order-1', drafts(1), { expectedVersion: 3 })
      await t.waitFor('the server to be killed and started', t.hook('restartServer')())
      await repeats(t.store, 'Order-1', events, 0, first)
      equal(await t.store.streamVersion('Order-1'), 4, 'the version after the repeat')
    },
  },
  {
    id: 'IDEM-2/repeat',
    rule: 'IDEM-2',
    title: "a repeat with 'any' or 'exists' writes nothing and returns the first result",
    needs: idempotentAny,
    async run(t) {
      await writeOthers(t.store)
      const fresh = drafts(3)
      const first = await t.store.append('Order-1', fresh, { expectedVersion: 'any' })
      await repeats(t.store, 'Order-1', fresh, 'any', first)
      await repeats(t.store, 'Order-1', fresh, undefined, first)
      for (const expectedVersion of looseExpectations)
        for (const count of [1, 4]) {
          const events = drafts(count)
          const result = await t.store.append('Order-1', events, { expectedVersion })
          await repeats(t.store, 'Order-1', events, expectedVersion, result)
        }
      gapless(await t.store.readStream('Order-1').toArray(), 'Order-1')
      equal(await t.store.streamVersion('Order-1'), 13, 'the version after all repeats')
    },
  },
  {
    id: 'IDEM-2/after-other-events',
    rule: 'IDEM-2',
    title:
      "a repeat with 'any' or 'exists' is recognised after hundreds of others and by another handle",
    needs: idempotentAny,
    async run(t) {
      await writeOthers(t.store)
      const written: [Draft[], ExpectedVersion, AppendResult][] = []
      for (const expectedVersion of looseExpectations) {
        const events = drafts(2)
        written.push([
          events,
          expectedVersion,
          await t.store.append('Order-1', events, { expectedVersion }),
        ])
      }
      await fill(t.store, 'Order-1', 300, { from: 4 })
      const other = await t.another()
      for (const [events, expectedVersion, first] of written)
        for (const store of [t.store, other])
          await repeats(store, 'Order-1', events, expectedVersion, first)
      equal(await other.streamVersion('Order-1'), 304, 'the version after the repeats')
    },
  },
  {
    id: 'IDEM-2/races-with-itself',
    rule: 'IDEM-2',
    title: "ten copies of one 'any' or 'exists' append at once have one effect and one result",
    needs: idempotentAny,
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      let version = 0
      for (const expectedVersion of ['any', 'exists', 'any', 'exists'] as const) {
        const events = drafts(2)
        const results = await t.waitFor(
          'ten copies of one append',
          Promise.all(
            times(10, (i) =>
              (i % 2 === 0 ? t.store : other).append('Order-1', events, { expectedVersion }),
            ),
          ),
        )
        version += 2
        for (const result of results)
          equal(result, results[0], `the results of copies of one '${expectedVersion}' append`)
        equal(results[0]?.version, version, 'the version of the result')
        equal(await other.streamVersion('Order-1'), version, 'the version of the stream')
      }
    },
  },
  {
    id: 'IDEM-2/after-a-restart',
    rule: 'IDEM-2',
    title: "a repeat with 'any' or 'exists' is recognised after the server was killed and started",
    needs: idempotentAny,
    hooks: ['restartServer'],
    async run(t) {
      await writeOthers(t.store)
      const fresh = drafts(2)
      const more = drafts(2)
      const first = await t.store.append('Order-1', fresh, { expectedVersion: 'any' })
      const second = await t.store.append('Order-1', more, { expectedVersion: 'exists' })
      await t.waitFor('the server to be killed and started', t.hook('restartServer')())
      await repeats(t.store, 'Order-1', fresh, 'any', first)
      await repeats(t.store, 'Order-1', more, 'exists', second)
      equal(await t.store.streamVersion('Order-1'), 4, 'the version after the repeats')
    },
  },
  {
    id: 'IDEM-3/other-number',
    rule: 'IDEM-3',
    title: 'the same ids with another number that does not hold are a conflict',
    async run(t) {
      await writeOthers(t.store)
      const events = drafts(3)
      await t.store.append('Order-1', drafts(2), { expectedVersion: 0 })
      await t.store.append('Order-1', events, { expectedVersion: 2 })
      await t.store.append('Order-1', drafts(1), { expectedVersion: 5 })
      for (const other of [0, 1, 3, 4, 5, 7, 100]) {
        const error = await fails(
          t.store.append('Order-1', events, { expectedVersion: other }),
          'WRONG_EXPECTED_VERSION',
          `events written with 2, appended again with ${other}`,
        )
        equal(error.actual, 6, 'the true version that the conflict tells')
      }
      equal(await t.store.streamVersion('Order-1'), 6, 'the version after the conflicts')
    },
  },
  {
    id: 'IDEM-3/changed-order',
    rule: 'IDEM-3',
    title: 'the same ids in another order with the first number are not a repeat',
    async run(t) {
      await writeOthers(t.store)
      const [a, b, c] = drafts(3) as [Draft, Draft, Draft]
      await t.store.append('Order-1', [a, b, c], { expectedVersion: 0 })
      for (const changed of [
        [b, a, c],
        [a, c, b],
        [c, b, a],
        [a, draft(), c],
        [a, b, draft()],
        [a, b, c, draft()],
      ])
        await fails(
          t.store.append('Order-1', changed, { expectedVersion: 0 }),
          'WRONG_EXPECTED_VERSION',
          'an append that is like an earlier one but not the same',
        )
      equal(await t.store.streamVersion('Order-1'), 3, 'the version after the conflicts')
    },
  },
  {
    id: 'IDEM-3/known-ids',
    rule: 'IDEM-3',
    title: 'a known id is refused with DUPLICATE_EVENT_ID even when the expectation holds',
    needs: uniqueEventIds,
    async run(t) {
      await writeOthers(t.store)
      const old = drafts(3)
      await t.store.append('Order-1', old, { expectedVersion: 0 })
      await t.store.append('Order-1', drafts(1), { expectedVersion: 3 })
      for (const store of [t.store, await t.another()]) {
        for (const events of [old, [old[1] as Draft], [old[2] as Draft, old[0] as Draft]]) {
          const error = await fails(
            store.append('Order-1', events, { expectedVersion: 4 }),
            'DUPLICATE_EVENT_ID',
            'known ids with the true version',
          )
          equal(error.streamId, 'Order-1', 'the stream that the refusal names')
          ok(
            error.eventIds.length > 0 &&
              error.eventIds.every((id) => events.some((e) => e.id === id)),
            'the ids that the refusal names',
            'some of those that are known',
            error.eventIds,
          )
        }
        for (const expectedVersion of looseExpectations)
          await fails(
            store.append('Order-1', [old[2] as Draft, old[0] as Draft], { expectedVersion }),
            'DUPLICATE_EVENT_ID',
            `known ids in another order with '${expectedVersion}'`,
          )
      }
      equal(await t.store.streamVersion('Order-1'), 4, 'the version after the refusals')
    },
  },
  {
    id: 'IDEM-3/old-and-new',
    rule: 'IDEM-3',
    title: 'an append that mixes old and new ids is refused, and its new ids stay free',
    needs: uniqueEventIds,
    async run(t) {
      await writeOthers(t.store)
      const [a, b] = drafts(2) as [Draft, Draft]
      const fresh = draft()
      await t.store.append('Order-1', [a, b], { expectedVersion: 0 })
      for (const mixed of [
        [fresh, a],
        [a, fresh],
        [b, fresh],
        [a, b, fresh],
        [fresh, a, b],
        [a, fresh, b],
      ]) {
        for (const expectedVersion of [2, ...looseExpectations] as const)
          await fails(
            t.store.append('Order-1', mixed, { expectedVersion }),
            'DUPLICATE_EVENT_ID',
            `old and new ids with ${expectedVersion}`,
          )
        await fails(
          t.store.append('Order-1', mixed, { expectedVersion: 1 }),
          'WRONG_EXPECTED_VERSION',
          'old and new ids with a number that does not hold',
        )
      }
      equal(await t.store.streamVersion('Order-1'), 2, 'the version after the refusals')
      equal(
        (await t.store.append('Order-1', [fresh], { expectedVersion: 2 })).version,
        3,
        'the version after the new event alone',
      )
    },
  },
  {
    id: 'IDEM-3/other-stream',
    rule: 'IDEM-3',
    title: 'ids are known in their stream only: the same ids in another stream are new events',
    async run(t) {
      await writeOthers(t.store)
      const events = drafts(2)
      const first = await t.store.append('Order-1', events, { expectedVersion: 0 })
      const second = await t.store.append('Order-2', events, { expectedVersion: 0 })
      ok(
        second.position > first.position,
        'the position of the same ids in another stream',
        `above ${first.position}`,
        second.position,
      )
      await t.store.append('Order-3', events, { expectedVersion: 'any' })
      for (const stream of ['Order-1', 'Order-2', 'Order-3'])
        sameIds(await t.store.readStream(stream).toArray(), events, stream)
      await repeats(t.store, 'Order-1', events, 0, first)
      await repeats(t.store, 'Order-2', events, 0, second)
    },
  },
  ...([0, 2, 'any', 'exists'] as const).map(
    (expectedVersion): ConformanceCase => ({
      id: `IDEM-4/cut-after-commit-${expectedVersion}`,
      rule: 'IDEM-4',
      title: `an append with ${show(expectedVersion)} whose answer was lost has one effect and gives the true result`,
      hooks: ['fragileHandle'],
      async run(t) {
        await writeOthers(t.store)
        const before = expectedVersion === 0 ? 0 : 2
        if (before > 0) await t.store.append('Order-1', drafts(before), { expectedVersion: 0 })
        const fragile = await t.hook('fragileHandle')()
        const events = drafts(3)
        fragile.cutAfterCommit()
        const result = await t.waitFor(
          'the append whose answer was lost',
          fragile.store.append('Order-1', events, { expectedVersion }),
        )
        equal(fragile.struck, 1, 'cuts that have struck')
        await oneEffect(t, 'Order-1', before, events, result)
      },
    }),
  ),
  ...([0, 2, 'any', 'exists'] as const).map(
    (expectedVersion): ConformanceCase => ({
      id: `IDEM-4/cut-before-request-${expectedVersion}`,
      rule: 'IDEM-4',
      title: `an append with ${show(expectedVersion)} that was cut off before the database has one effect`,
      hooks: ['fragileHandle'],
      async run(t) {
        await writeOthers(t.store)
        const before = expectedVersion === 0 ? 0 : 2
        if (before > 0) await t.store.append('Order-1', drafts(before), { expectedVersion: 0 })
        const fragile = await t.hook('fragileHandle')()
        const events = drafts(3)
        fragile.cutBeforeRequest()
        const result = await t.waitFor(
          'the append that was cut off',
          fragile.store.append('Order-1', events, { expectedVersion }),
        )
        equal(fragile.struck, 1, 'cuts that have struck')
        await oneEffect(t, 'Order-1', before, events, result)
      },
    }),
  ),
  {
    id: 'IDEM-4/callers-retry',
    rule: 'IDEM-4',
    title:
      'the caller’s own retry after a lost answer, with others’ events between, has one effect',
    hooks: ['fragileHandle'],
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2), { expectedVersion: 0 })
      const fragile = await t.hook('fragileHandle')({ retryBudgetMs: 0 })
      const events = drafts(3)
      fragile.cutAfterCommit()
      const outcome = await t.waitFor(
        'the append whose answer was lost',
        settle(fragile.store.append('Order-1', events, { expectedVersion: 2 })),
      )
      equal(fragile.struck, 1, 'cuts that have struck')
      // A store that can find out may give the true result at once; one that cannot must say so, and nothing else.
      if (!outcome.ok) {
        const error = await fails(
          Promise.reject(outcome.error),
          'UNKNOWN_OUTCOME',
          'an append that committed, whose answer was lost, without a budget for retries',
        )
        equal(error.streamId, 'Order-1', 'the stream that the error names')
        equal([...error.eventIds], idsOf(events), 'the ids that the error names')
      }
      await t.store.append('Order-1', drafts(2, 'other'), { expectedVersion: 5 })
      const retried = await t.waitFor(
        'the caller’s retry',
        fragile.store.append('Order-1', events, { expectedVersion: 2 }),
      )
      equal(retried.version, 5, 'the version that the caller’s retry returns')
      equal(await t.store.streamVersion('Order-1'), 7, 'the version of the stream')
      await repeats(t.store, 'Order-1', events, 2, retried)
    },
  },
  {
    id: 'IDEM-4/conflict-behind-a-cut',
    rule: 'IDEM-4',
    title: 'an append that was cut off and meanwhile overtaken is a conflict with the true version',
    hooks: ['fragileHandle'],
    async run(t) {
      await writeOthers(t.store)
      const fragile = await t.hook('fragileHandle')()
      await t.store.append('Order-1', drafts(4), { expectedVersion: 0 })
      for (const cut of ['cutBeforeRequest', 'cutAfterCommit'] as const) {
        fragile[cut]()
        const error = await fails(
          fragile.store.append('Order-1', drafts(2), { expectedVersion: 3 }),
          'WRONG_EXPECTED_VERSION',
          `a stale append around which the connection was cut (${cut})`,
        )
        equal(error.actual, 4, 'the true version that the conflict tells')
      }
      equal(await t.store.streamVersion('Order-1'), 4, 'the version of the stream')
    },
  },
]

async function repeats(
  store: EventStore,
  streamId: string,
  events: readonly Draft[],
  expectedVersion: ExpectedVersion | undefined,
  first: AppendResult,
): Promise<void> {
  const version = await store.streamVersion(streamId)
  const again = await store.append(streamId, events, { expectedVersion })
  equal(
    { version: again.version, position: again.position },
    { version: first.version, position: first.position },
    `the result of a repeat with ${expectedVersion} of ${events.length} events of ${streamId}`,
  )
  equal(await store.streamVersion(streamId), version, `the version of ${streamId} after a repeat`)
}

async function oneEffect(
  t: CaseContext,
  streamId: string,
  before: number,
  events: readonly Draft[],
  result: AppendResult,
): Promise<void> {
  const stream = await t.store.readStream(streamId).toArray()
  gapless(stream, streamId)
  sameIds(
    stream.slice(before),
    events,
    `${streamId} after an append around which the connection was cut`,
  )
  equal(
    { version: result.version, position: result.position },
    { version: before + events.length, position: stream.at(-1)?.position },
    'the result of that append',
  )
  const all = await t.store.readAll({ filter: { streamPrefixes: [streamId] } }).toArray()
  equal(all.length, stream.length, `events of ${streamId} in the global order`)
}

function show(expected: ExpectedVersion): string {
  return typeof expected === 'number' ? String(expected) : `'${expected}'`
}
