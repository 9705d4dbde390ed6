import { type ErrorCode, type EventStore, isEventStoreError, type RetryNotice } from '@annals/core'
import type { CaseContext, ConformanceCase } from '../case.js'
import { equal, fails, gapless, ok, sameEvents, sameIds, settle } from '../check.js'
import { type Draft, draft, drafts, idsOf, writeOthers } from '../fixtures.js'
import type { SlowHandle } from '../harness.js'

/** So long a handle waits for an answer here, in milliseconds: short, because some cases let it wait in vain. */
const attemptTimeoutMs = 150

/** An append whose request or answer is late, and its repetition meet. */
export const lateCases: readonly ConformanceCase[] = (
  ['stallBeforeRequest', 'stallAfterCommit'] as const
).flatMap((stall) =>
  (['number', 'any'] as const).map(
    (expected): ConformanceCase => ({
      id: `IDEM-4/${stall === 'stallBeforeRequest' ? 'late-request' : 'late-answer'}-${expected}`,
      rule: 'IDEM-4',
      title: `an append with ${expected === 'any' ? "'any'" : 'a number'} whose ${stall === 'stallBeforeRequest' ? 'request' : 'answer'} comes late, while it is tried again, has one effect and gives the true result`,
      hooks: ['slowHandle'],
      concurrent: true,
      async run(t) {
        await writeOthers(t.store)
        await t.store.append('Order-1', drafts(2), { expectedVersion: 0 })
        let retried = t.gate('a retry')
        const slow = await t.hook('slowHandle')({
          attemptTimeoutMs,
          retryBudgetMs: 60_000,
          onRetry: ({ operation }) => operation.startsWith('append') && retried.open(),
        })
        // On a busy machine an attempt may be given up before it has met the stall; then there is another append.
        for (let version = 2; slow.struck === 0; version += 3) {
          await connected(t, slow.store)
          retried = t.gate('a retry')
          slow[stall]()
          const events = drafts(3)
          const append = t.background(
            slow.store.append('Order-1', events, {
              expectedVersion: expected === 'any' ? 'any' : version,
            }),
          )
          await t.waitFor('the append to be tried again', Promise.race([retried.opened, append]))
          await t.waitFor('the end of the stall', slow.resume())
          const result = await t.waitFor('the append', append)
          const stream = await t.store.readStream('Order-1').toArray()
          gapless(stream, 'Order-1')
          sameIds(stream.slice(version), events, 'Order-1 after an append that was late')
          equal(
            { version: result.version, position: result.position },
            { version: version + 3, position: stream.at(-1)?.position },
            'the result of that append',
          )
        }
      },
    }),
  ),
)

export const forgottenConnectionCases: readonly ConformanceCase[] = [
  {
    id: 'SUB-4/forgotten-connection',
    rule: 'SUB-4',
    title:
      'subscriptions whose connection was forgotten without a word go on over another, after the last event given',
    hooks: ['slowHandle'],
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2), { expectedVersion: 0 })
      const slow = await t.hook('slowHandle')({ attemptTimeoutMs })
      const all = t.collect('all', slow.store.subscribeToAll())
      const stream = t.collect('the stream', slow.store.subscribeToStream('Order-1'))
      let version = 2
      for (let round = 0; round < 2; round++) {
        const past = await t.store.readAll().toArray()
        await t.collected('the past', all, (c) => c.reached(past) && c.count('caughtUp') > 0)
        await t.collected('the stream', stream, (c) => c.events.length >= version)
        await t.waitFor('the connection to be forgotten', slow.forget())
        version = (await t.store.append('Order-1', drafts(2), { expectedVersion: version })).version
        const want = await t.store.readAll().toArray()
        await t.collected('what came after', all, (c) => c.reached(want))
        await t.collected('the stream', stream, (c) => c.events.length >= version)
        sameEvents(all.events, want, 'all events across a forgotten connection')
        sameEvents(
          stream.events,
          await t.store.readStream('Order-1').toArray(),
          'the stream across a forgotten connection',
        )
      }
    },
  },
]

/** Connections that fall silent, and a database that refuses requests for their rate: nothing breaks, and nothing comes. */
export const silenceCases: readonly ConformanceCase[] = [
  {
    id: 'ERR-2/stalled-before-request',
    rule: 'ERR-2',
    title:
      'an append that stands still on its way ends in time, and nothing that is said of it is belied by its late arrival',
    hooks: ['slowHandle'],
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      const slow = await t.hook('slowHandle')({ attemptTimeoutMs, retryBudgetMs: 0 })
      for (const expected of ['number', 'any', 'exists'] as const) {
        const { events, error } = await stalled(t, slow, 'stallBeforeRequest', expected)
        await t.waitFor('the end of the stall', slow.resume())
        await connected(t, slow.store)
        const written = (await t.store.readAll().toArray()).filter((e) => isOf(events, e))
        if (error.code === 'UNAVAILABLE')
          equal(written.length, 0, `events of an append with ${expected} that was UNAVAILABLE`)
        else if (written.length > 0) sameIds(written, events, 'what arrived late')
        gapless(await t.store.readStream('Order-1').toArray(), 'Order-1')
      }
    },
  },
  {
    id: 'ERR-2/stalled-after-commit',
    rule: 'ERR-2',
    title: 'an append that committed, whose answer never comes, ends in time with UNKNOWN_OUTCOME',
    hooks: ['slowHandle'],
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      const slow = await t.hook('slowHandle')({ attemptTimeoutMs, retryBudgetMs: 0 })
      for (const expected of ['number', 'any', 'exists'] as const) {
        const { version, events, error } = await stalled(t, slow, 'stallAfterCommit', expected)
        equal(error.code, 'UNKNOWN_OUTCOME', `an append with ${expected} without an answer`)
        await t.until('the append to be there', async () => {
          return (await t.store.streamVersion('Order-1')) === version + 2
        })
        sameIds(
          await t.store.readStream('Order-1', { fromVersion: version + 1 }).toArray(),
          events,
          'what committed',
        )
        await t.waitFor('the end of the stall', slow.resume())
      }
    },
  },
  {
    id: 'ERR-2/reads-that-stand-still',
    rule: 'ERR-2',
    title: 'reads over a connection that stands still end in time with UNAVAILABLE',
    hooks: ['slowHandle'],
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      const slow = await t.hook('slowHandle')({ attemptTimeoutMs, retryBudgetMs: 0 })
      await stalled(t, slow, 'stallBeforeRequest', 'any')
      const { store } = slow
      for (const [name, call] of Object.entries({
        readStream: () => store.readStream('Order-1').toArray(),
        readAll: () => store.readAll().toArray(),
        streamVersion: () => store.streamVersion('Order-1'),
        'checkpoints.load': () => store.checkpoints.load('orders'),
      }))
        await t.waitFor(
          `${name} to end`,
          fails(call(), 'UNAVAILABLE', `${name} without any answer`),
        )
      await t.waitFor('the end of the stall', slow.resume())
      await connected(t, store)
    },
  },
  {
    id: 'ERR-2/throttled-beyond-the-budget',
    rule: 'ERR-2',
    title:
      'an append that the database refuses for its rate until the budget ends is UNAVAILABLE and has written nothing',
    hooks: ['throttledHandle'],
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      const notices: RetryNotice[] = []
      const throttled = await t.hook('throttledHandle')({
        retryBudgetMs: 100,
        onRetry: (notice) => notices.push(notice),
      })
      throttled.throttle(1)
      const refused: Draft[] = []
      for (const expectedVersion of [1, 'any', 'exists'] as const) {
        const events = drafts(2)
        refused.push(...events)
        const error = await t.waitFor(
          `an append with ${expectedVersion} that is refused`,
          fails(
            throttled.store.append('Order-1', events, { expectedVersion }),
            'UNAVAILABLE',
            `an append with ${expectedVersion} that was refused for its rate each time`,
          ),
        )
        ok(error.cause !== undefined, 'the cause', 'the driver’s own error', undefined)
      }
      ok(throttled.struck >= 3, 'requests that were refused', 'at least 3', throttled.struck)
      ok(notices.length > 0, 'retries within the budget', 'at least 1', notices.length)
      throttled.relent()
      const marker = draft()
      await throttled.store.append('Order-1', [marker], { expectedVersion: 1 })
      const all = await t.store.readAll().toArray()
      equal(all.filter((e) => isOf(refused, e)).length, 0, 'events of refused appends')
      sameIds(
        await t.store.readStream('Order-1', { fromVersion: 2 }).toArray(),
        [marker],
        'Order-1 after the refusals',
      )
    },
  },
  {
    id: 'ERR-2/throttled-within-the-budget',
    rule: 'ERR-2',
    title:
      'appends and reads that the database refuses for their rate succeed within the budget, each with one effect',
    hooks: ['throttledHandle'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const throttled = await t.hook('throttledHandle')({ retryBudgetMs: 60_000 })
      // Where many appends are one request, a round may meet no refusal: then there is another.
      for (let round = 1; round <= 2 || (throttled.struck === 0 && round <= 40); round++) {
        throttled.throttle(round % 2 === 1 ? 3 : 5)
        const appends = Array.from({ length: 6 }, (_, i) => ({
          streamId: `Order-${round}-${i % 3}`,
          events: drafts(1 + (i % 2)),
        }))
        const results = await t.waitFor(
          'six appends while some requests are refused',
          Promise.all(appends.map((a) => throttled.store.append(a.streamId, a.events))),
        )
        const read = await t.waitFor(
          'a read while some requests are refused',
          throttled.store.readAll().toArray(),
        )
        sameEvents(read, await t.store.readAll().toArray(), 'what was read meanwhile')
        for (const [i, { streamId, events }] of appends.entries()) {
          const version = results[i]?.version ?? 0
          const fromVersion = version - events.length + 1
          const reader = t.store.readStream(streamId, { fromVersion, limit: events.length })
          sameIds(await reader.toArray(), events, `append ${i} at the version that it was told`)
        }
        const ids = idsOf(appends.flatMap((a) => a.events))
        const there = idsOf(read).filter((id) => ids.includes(id))
        equal(there.length, ids.length, 'events of these appends in the global order')
      }
      ok(throttled.struck > 0, 'requests that were refused', 'some', throttled.struck)
    },
  },
]

function isOf(events: readonly Draft[], { id }: { readonly id: string }): boolean {
  return events.some((event) => event.id === id)
}

/** Until the handle has connections that work, so that what stalls next is an append and not its way there. */
function connected(t: CaseContext, store: EventStore): Promise<unknown> {
  return t.until(
    'the handle to work',
    async () => (await settle(store.streamVersion('Order-1'))).ok,
  )
}

/**
 * An append to Order-1 that has met a stall and was given up. On a busy machine an attempt may be given up before it has
 * come so far; then there is another.
 */
function stalled(
  t: CaseContext,
  slow: SlowHandle,
  stall: 'stallBeforeRequest' | 'stallAfterCommit',
  expected: 'number' | 'any' | 'exists',
) {
  return t.until(`an append with ${expected} to meet a stall`, async () => {
    await connected(t, slow.store)
    const version = await t.store.streamVersion('Order-1')
    const { struck } = slow
    const events = drafts(2)
    slow[stall]()
    const expectedVersion = expected === 'number' ? version : expected
    const outcome = await settle(slow.store.append('Order-1', events, { expectedVersion }))
    if (slow.struck === struck) {
      await slow.resume()
      return false
    }
    ok(!outcome.ok, `an append with ${expected} without an answer`, 'to fail', outcome)
    const error = (outcome as { readonly error: unknown }).error
    const codes: readonly ErrorCode[] = ['UNAVAILABLE', 'UNKNOWN_OUTCOME']
    if (!isEventStoreError(error) || !codes.includes(error.code))
      throw await fails(Promise.reject(error), [...codes], 'an append without an answer')
    return { version, events, error }
  })
}
