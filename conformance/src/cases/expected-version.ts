import { WrongExpectedVersionError } from '@annals/core'
import type { CaseContext, ConformanceCase } from '../case.js'
import { equal, fails, gapless, ok, sameIds, settle } from '../check.js'
import { draft, drafts, fill, times, writeOthers } from '../fixtures.js'

export const expectedVersionCases: readonly ConformanceCase[] = [
  {
    id: 'EXPECT-1/only-the-true-version',
    rule: 'EXPECT-1',
    title: 'only the stream’s true version succeeds; below and above are conflicts',
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(3), { expectedVersion: 0 })
      for (const wrong of [0, 1, 2, 4, 5, 8, 1000, Number.MAX_SAFE_INTEGER - 1])
        await fails(
          t.store.append('Order-1', drafts(1), { expectedVersion: wrong }),
          'WRONG_EXPECTED_VERSION',
          `an append with ${wrong} to a stream at version 3`,
        )
      const result = await t.store.append('Order-1', drafts(2), { expectedVersion: 3 })
      equal(result.version, 5, 'the version after an append with the true version')
    },
  },
  {
    id: 'EXPECT-1/never-written',
    rule: 'EXPECT-1',
    title: '0 means that the stream was never written, whatever else the store holds',
    async run(t) {
      await writeOthers(t.store)
      for (const wrong of [1, 2, 5])
        await fails(
          t.store.append('Order-1', drafts(1), { expectedVersion: wrong }),
          'WRONG_EXPECTED_VERSION',
          `an append with ${wrong} to a stream that was never written`,
        )
      const first = await t.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      equal(first.version, 1, 'the first version')
      await fails(
        t.store.append('Order-1', drafts(1), { expectedVersion: 0 }),
        'WRONG_EXPECTED_VERSION',
        'an append with 0 to a stream at version 1',
      )
      // Ids that begin alike are different streams.
      for (const stream of ['Order-', 'Order-10', 'order-1', 'Order', 'Order-1 '])
        equal(
          (await t.store.append(stream, drafts(1), { expectedVersion: 0 })).version,
          1,
          `the first version of ${JSON.stringify(stream)}`,
        )
    },
  },
  {
    id: 'EXPECT-1/stale-through-another-handle',
    rule: 'EXPECT-1',
    title: 'a number that another handle has overtaken is a conflict at once',
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      for (let version = 0; version < 10; version += 2) {
        await t.store.append('Order-1', drafts(1), { expectedVersion: version })
        await fails(
          other.append('Order-1', drafts(1), { expectedVersion: version }),
          'WRONG_EXPECTED_VERSION',
          `${version} after another handle has written version ${version + 1}`,
        )
        await other.append('Order-1', drafts(1), { expectedVersion: version + 1 })
        await fails(
          t.store.append('Order-1', drafts(1), { expectedVersion: version + 1 }),
          'WRONG_EXPECTED_VERSION',
          `${version + 1} after another handle has written version ${version + 2}`,
        )
      }
    },
  },
  {
    id: 'EXPECT-2/one-of-twenty',
    rule: 'EXPECT-2',
    title: 'of twenty concurrent appends with the same number through one handle, one succeeds',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await exactlyOne(t, 'Order-1', 0, 2)
      await exactlyOne(t, 'Order-1', 2, 1)
    },
  },
  {
    id: 'EXPECT-2/one-of-twenty-two-handles',
    rule: 'EXPECT-2',
    title: 'of twenty concurrent appends with the same number through two handles, one succeeds',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-2', 5)
      const other = await t.another()
      await exactlyOne(t, 'Order-1', 0, 1, other)
      await exactlyOne(t, 'Order-2', 5, 3, other)
      await exactlyOne(t, 'Order-2', 8, 1, other)
    },
  },
  {
    id: 'EXPECT-2/optimistic-counter',
    rule: 'EXPECT-2',
    title: 'writers that read, decide and append with the version read never lose an update',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const stores = [t.store, await t.another()]
      const counted = times(4, async (i) => {
        const store = stores[i % 2] ?? t.store
        for (let n = 0; n < 5; n++)
          await t.until(`writer ${i} to win`, async () => {
            const [last] = await store
              .readStream('Counter-1', { direction: 'backwards', limit: 1 })
              .toArray()
            const value = last ? (last.data as { value: number }).value : 0
            const outcome = await settle(
              store.append('Counter-1', [draft({ data: { value: value + 1 } })], {
                expectedVersion: last?.version ?? 0,
              }),
            )
            if (!outcome.ok)
              await fails(Promise.reject(outcome.error), 'WRONG_EXPECTED_VERSION', 'a lost round')
            return outcome.ok
          })
      })
      await t.waitFor('four counting writers', Promise.all(counted))
      const events = await t.store.readStream('Counter-1').toArray()
      equal(
        events.map((e) => (e.data as { value: number }).value),
        times(20, (i) => i + 1),
        'the values counted',
      )
    },
  },
  {
    id: 'EXPECT-3/twenty-any',
    rule: 'EXPECT-3',
    title: "twenty parallel 'any' appends to one stream through one handle all succeed",
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await allSucceed(t, 'Order-1', 'any', 1)
      await allSucceed(t, 'Order-1', 'any', 3)
    },
  },
  {
    id: 'EXPECT-3/twenty-any-two-handles',
    rule: 'EXPECT-3',
    title: "twenty parallel 'any' appends to one stream through two handles all succeed",
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      await allSucceed(t, 'Order-1', 'any', 2, other)
      await allSucceed(t, 'Order-1', undefined, 1, other)
    },
  },
  {
    id: 'EXPECT-3/twenty-exists',
    rule: 'EXPECT-3',
    title: "twenty parallel 'exists' appends to an existing stream all succeed",
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      await allSucceed(t, 'Order-1', 'exists', 1, await t.another())
    },
  },
  {
    id: 'EXPECT-3/any-and-exists',
    rule: 'EXPECT-3',
    title: "'exists' demands an event, 'any' nothing, and no expectation means 'any'",
    async run(t) {
      await writeOthers(t.store)
      const error = await fails(
        t.store.append('Order-1', drafts(1), { expectedVersion: 'exists' }),
        'WRONG_EXPECTED_VERSION',
        "'exists' on a stream that was never written",
      )
      equal(error.actual, 0, 'the true version that the conflict tells')
      const result = async (expectedVersion?: 'any' | 'exists') =>
        (
          await t.store.append(
            'Order-1',
            drafts(2),
            expectedVersion === undefined ? {} : { expectedVersion },
          )
        ).version
      equal(await result(), 2, 'no expectation on a stream that was never written')
      equal(await result('any'), 4, "'any' on an existing stream")
      equal(await result('exists'), 6, "'exists' on an existing stream")
      equal((await t.store.append('Order-1', drafts(1))).version, 7, 'no options at all')
    },
  },
  {
    id: 'EXPECT-4/fields',
    rule: 'EXPECT-4',
    title: 'a conflict tells the stream, what was expected and the true version',
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(3), { expectedVersion: 0 })
      const other = await t.another()
      for (const [stream, expected, actual] of [
        ['Order-1', 0, 3],
        ['Order-1', 2, 3],
        ['Order-1', 9, 3],
        ['Order-2', 4, 0],
        ['Order-2', 'exists', 0],
      ] as const)
        for (const store of [t.store, other]) {
          const error = await fails(
            store.append(stream, drafts(2), { expectedVersion: expected }),
            'WRONG_EXPECTED_VERSION',
            `${expected} on ${stream}`,
          )
          ok(
            error instanceof WrongExpectedVersionError,
            `the class of the conflict on ${stream}`,
            'WrongExpectedVersionError',
            error,
          )
          equal(
            { streamId: error.streamId, expected: error.expected, actual: error.actual },
            { streamId: stream, expected, actual },
            `what the conflict of ${expected} on ${stream} tells`,
          )
          ok(
            error.message.includes(stream),
            'the message of a conflict',
            'the stream id in it',
            error.message,
          )
        }
    },
  },
  {
    id: 'EXPECT-4/true-version-in-a-race',
    rule: 'EXPECT-4',
    title: 'each loser of a race is told the version that the winner made',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      for (const version of [0, 3, 6]) {
        const outcomes = await t.waitFor(
          'ten racing appends',
          Promise.all(
            times(10, (i) =>
              settle(
                (i % 2 === 0 ? t.store : other).append('Order-1', drafts(3), {
                  expectedVersion: version,
                }),
              ),
            ),
          ),
        )
        for (const outcome of outcomes)
          if (!outcome.ok) {
            const error = await fails(
              Promise.reject(outcome.error),
              'WRONG_EXPECTED_VERSION',
              'an append that lost the race',
            )
            equal(error.actual, version + 3, 'the true version that a loser is told')
          }
      }
    },
  },
  {
    id: 'EXPECT-4/outage',
    rule: 'EXPECT-4',
    title: 'an outage is never reported as a conflict',
    hooks: ['fragileHandle'],
    async run(t) {
      await writeOthers(t.store)
      const fragile = await t.hook('fragileHandle')({ retryBudgetMs: 50 })
      await fragile.store.append('Order-1', drafts(2), { expectedVersion: 0 })
      await t.waitFor('the outage', fragile.outage())
      for (const expectedVersion of [2, 7, 'exists', 'any'] as const)
        await t.waitFor(
          'an append during the outage to fail',
          fails(
            fragile.store.append('Order-1', drafts(1), { expectedVersion }),
            ['UNAVAILABLE', 'UNKNOWN_OUTCOME'],
            `an append with ${expectedVersion} during an outage`,
          ),
        )
      await t.waitFor('the recovery', fragile.recover())
      const next = await t.until('the first append after the outage', async () => {
        const version = await t.store.streamVersion('Order-1')
        const outcome = await settle(
          fragile.store.append('Order-1', drafts(1), { expectedVersion: version }),
        )
        return outcome.ok ? { version: outcome.value.version, before: version } : false
      })
      equal(next.version, next.before + 1, 'the version of the first append after the outage')
    },
  },
]

async function exactlyOne(
  t: CaseContext,
  streamId: string,
  version: number,
  count: number,
  other = t.store,
): Promise<void> {
  const attempts = times(20, (i) => drafts(count, `attempt ${i}`))
  const outcomes = await t.waitFor(
    'twenty racing appends',
    Promise.all(
      attempts.map((events, i) =>
        settle(
          (i % 2 === 0 ? t.store : other).append(streamId, events, { expectedVersion: version }),
        ),
      ),
    ),
  )
  const winners = outcomes.flatMap((outcome, i) => (outcome.ok ? [i] : []))
  equal(winners.length, 1, `how many of twenty appends with ${version} to ${streamId} succeeded`)
  for (const outcome of outcomes)
    if (!outcome.ok)
      await fails(Promise.reject(outcome.error), 'WRONG_EXPECTED_VERSION', 'an append that lost')
  const events = await t.store.readStream(streamId, { fromVersion: version + 1 }).toArray()
  sameIds(events, attempts[winners[0] ?? 0] ?? [], 'the winner’s events')
}

async function allSucceed(
  t: CaseContext,
  streamId: string,
  expectedVersion: 'any' | 'exists' | undefined,
  count: number,
  other = t.store,
): Promise<void> {
  const before = await t.store.streamVersion(streamId)
  const attempts = times(20, (i) => drafts(count, `attempt ${i}`))
  const results = await t.waitFor(
    'twenty parallel appends',
    Promise.all(
      attempts.map((events, i) =>
        (i % 2 === 0 ? t.store : other).append(streamId, events, { expectedVersion }),
      ),
    ),
  )
  equal(
    results.map((r) => r.version).sort((a, b) => a - b),
    times(20, (i) => before + (i + 1) * count),
    `the versions that twenty parallel ${expectedVersion ?? 'default'} appends to ${streamId} were given`,
  )
  const events = await t.store.readStream(streamId).toArray()
  gapless(events, streamId)
  for (const [i, attempt] of attempts.entries()) {
    const version = results[i]?.version ?? 0
    sameIds(
      events.slice(version - count, version),
      attempt,
      `the events that append ${i} says it wrote up to version ${version}`,
    )
  }
}
