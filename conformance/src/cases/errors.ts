import { type ErrorCode, EventStoreError, isEventStoreError, type RetryNotice } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, fails, gapless, ok, sameIds, settle } from '../check.js'
import { draft, drafts, idsOf, looseExpectations, writeOthers } from '../fixtures.js'

export const errorCases: readonly ConformanceCase[] = [
  {
    id: 'ERR-1/codes',
    rule: 'ERR-1',
    title: 'each refusal is an EventStoreError with its code, its fields and a message for people',
    async run(t) {
      await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2), { expectedVersion: 0 })
      const position = (await t.store.headPosition()) ?? ''
      const closed = await t.another()
      await closed.close()
      const refusals: [ErrorCode, () => Promise<unknown>, readonly string[]][] = [
        [
          'WRONG_EXPECTED_VERSION',
          () => t.store.append('Order-1', drafts(1), { expectedVersion: 7 }),
          ['streamId', 'expected', 'actual'],
        ],
        ['INVALID_ARGUMENT', () => t.store.append('Order-1', []), ['argument']],
        [
          'TOO_LARGE',
          () => t.store.append('Order-1', drafts(1001)),
          ['argument', 'limit', 'actual', 'maximum'],
        ],
        [
          'CHECKPOINT_CONFLICT',
          () => t.store.checkpoints.save('orders', position, { expected: position }),
          ['subscriptionId', 'expected', 'actual'],
        ],
        [
          'ABORTED',
          () => t.store.append('Order-1', drafts(1), { signal: AbortSignal.abort() }),
          [],
        ],
        ['ABORTED', () => t.store.readAll({ signal: AbortSignal.abort() }).toArray(), []],
        ['ABORTED', () => t.store.streamVersion('Order-1', { signal: AbortSignal.abort() }), []],
        ['CLOSED', () => closed.append('Order-1', drafts(1)), []],
      ]
      for (const [code, call, fields] of refusals) {
        const error: EventStoreError = await fails(call(), code, `a call to fail with ${code}`)
        ok(error instanceof Error, `the error with ${code}`, 'an Error', error)
        ok(error instanceof EventStoreError, `the error with ${code}`, 'an EventStoreError', error)
        ok(isEventStoreError(error, code), `the error with ${code}`, 'told by its code', error.code)
        ok(error.message.length > 10, `the message of ${code}`, 'words for people', error.message)
        for (const field of fields)
          ok(field in error, `the error with ${code}`, `to have the field ${field}`, {
            ...error,
          })
      }
    },
  },
  {
    id: 'ERR-1/outage',
    rule: 'ERR-1',
    title: 'every call that an outage makes fail is UNAVAILABLE, with the driver’s error as cause',
    hooks: ['fragileHandle'],
    async run(t) {
      await writeOthers(t.store)
      const position = (await t.store.headPosition()) ?? ''
      const fragile = await t.hook('fragileHandle')({ retryBudgetMs: 30 })
      const { store } = fragile
      await store.append('Order-1', drafts(1), { expectedVersion: 0 })
      await t.waitFor('the outage', fragile.outage())
      const calls: Record<string, () => Promise<unknown>> = {
        readStream: () => store.readStream('Order-1').toArray(),
        readAll: () => store.readAll().toArray(),
        streamVersion: () => store.streamVersion('Order-1'),
        headPosition: () => store.headPosition(),
        'checkpoints.load': () => store.checkpoints.load('orders'),
        'checkpoints.save': () => store.checkpoints.save('orders', position),
        'snapshots.load': () => store.snapshots.load('Order-1'),
        'snapshots.save': () =>
          store.snapshots.save({ streamId: 'Order-1', version: 1, state: {} }),
      }
      for (const [name, call] of Object.entries(calls)) {
        const error = await t.waitFor(
          `${name} to fail during the outage`,
          fails(call(), 'UNAVAILABLE', `${name} during an outage`),
        )
        ok(error.cause !== undefined, `the cause of ${name}`, 'the driver’s own error', undefined)
      }
      await t.waitFor('the recovery', fragile.recover())
      await t.until('a read after the outage', async () => {
        const outcome = await settle(store.streamVersion('Order-1'))
        return outcome.ok && outcome.value === 1
      })
    },
  },
  {
    id: 'ERR-1/schema-missing',
    rule: 'ERR-1',
    title: 'without tables every call fails with SCHEMA_MISSING, and works after migrate()',
    hooks: ['openUnmigrated'],
    async run(t) {
      const store = await t.hook('openUnmigrated')()
      for (const [name, call] of Object.entries({
        append: () => store.append('Order-1', drafts(1)),
        readStream: () => store.readStream('Order-1').toArray(),
        readAll: () => store.readAll().toArray(),
        streamVersion: () => store.streamVersion('Order-1'),
        headPosition: () => store.headPosition(),
        'checkpoints.load': () => store.checkpoints.load('orders'),
        'snapshots.load': () => store.snapshots.load('Order-1'),
      }))
        await t.waitFor(name, fails(call, 'SCHEMA_MISSING', `${name} without tables`))
      await t.waitFor('migrate()', store.migrate())
      const { version } = await store.append('Order-1', drafts(2), { expectedVersion: 0 })
      equal(version, 2, 'the version after migrate()')
    },
  },
  {
    id: 'ERR-1/access-denied',
    rule: 'ERR-1',
    title: 'credentials or rights that the database refuses are ACCESS_DENIED, without retries',
    hooks: ['openUnprivileged'],
    async run(t) {
      await writeOthers(t.store)
      const notices: RetryNotice[] = []
      const store = await t.hook('openUnprivileged')({ onRetry: (notice) => notices.push(notice) })
      const error = await t.waitFor(
        'an append without rights',
        fails(store.append('Order-1', drafts(1)), 'ACCESS_DENIED', 'an append without rights'),
      )
      ok(error.cause !== undefined, 'the cause', 'the driver’s own error', undefined)
      equal(notices.length, 0, 'retries of a call that was refused for good')
      equal(await t.store.streamVersion('Order-1'), 0, 'the version of the stream')
    },
  },
  {
    id: 'ERR-2/retried',
    rule: 'ERR-2',
    title: 'an append that was cut off is retried inside the store, which tells onRetry',
    hooks: ['fragileHandle'],
    async run(t) {
      await writeOthers(t.store)
      const notices: RetryNotice[] = []
      const fragile = await t.hook('fragileHandle')({ onRetry: (notice) => notices.push(notice) })
      let version = 0
      for (const cut of ['cutBeforeRequest', 'cutAfterCommit'] as const)
        for (const expectedVersion of [version, ...looseExpectations] as const) {
          if (expectedVersion === 'exists' && version === 0) continue
          fragile[cut]()
          const result = await t.waitFor(
            `an append with ${expectedVersion} after ${cut}`,
            fragile.store.append('Order-1', drafts(2), {
              expectedVersion: typeof expectedVersion === 'number' ? version : expectedVersion,
            }),
          )
          version += 2
          equal(result.version, version, `the version after ${cut} with ${expectedVersion}`)
        }
      equal(fragile.struck, 6, 'cuts that have struck')
      gapless(await t.store.readStream('Order-1').toArray(), 'Order-1')
      equal(await t.store.streamVersion('Order-1'), version, 'the version of the stream')
      for (const notice of notices) {
        ok(notice.attempt >= 1, 'a retry that onRetry was told of', 'its number', notice.attempt)
        ok(notice.operation.length > 0, 'a retry', 'the call’s name', notice.operation)
        ok(notice.error !== undefined, 'a retry', 'the error', notice.error)
      }
    },
  },
  {
    id: 'ERR-2/no-budget',
    rule: 'ERR-2',
    title: 'without a budget nothing is retried: the failure is told, and never as a success',
    hooks: ['fragileHandle'],
    async run(t) {
      await writeOthers(t.store)
      const fragile = await t.hook('fragileHandle')({ retryBudgetMs: 0 })
      await fragile.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      const events = drafts(2)
      fragile.cutBeforeRequest()
      const outcome = await t.waitFor(
        'an append that was cut off, without a budget',
        settle(fragile.store.append('Order-1', events, { expectedVersion: 1 })),
      )
      equal(fragile.struck, 1, 'cuts that have struck')
      ok(!outcome.ok, 'an append that was cut off, without a budget', 'to fail', outcome)
      if (!outcome.ok)
        await fails(
          Promise.reject(outcome.error),
          ['UNAVAILABLE', 'UNKNOWN_OUTCOME'],
          'an append that was cut off, without a budget',
        )
      equal(await t.store.streamVersion('Order-1'), 1, 'the version of the stream')
      const repeated = await t.waitFor(
        'the caller’s retry',
        fragile.store.append('Order-1', events, { expectedVersion: 1 }),
      )
      equal(repeated.version, 3, 'the version that the caller’s retry returns')
    },
  },
  {
    id: 'ERR-2/lost-answer-without-a-budget',
    rule: 'ERR-2',
    title: 'an append that committed, whose answer was lost, is never said to have written nothing',
    hooks: ['fragileHandle'],
    async run(t) {
      await writeOthers(t.store)
      const fragile = await t.hook('fragileHandle')({ retryBudgetMs: 0 })
      let version = 0
      for (const expectedVersion of [0, 'any', 'exists'] as const) {
        const events = drafts(2)
        fragile.cutAfterCommit()
        const outcome = await t.waitFor(
          `an append with ${expectedVersion} whose answer was lost`,
          settle(fragile.store.append('Order-1', events, { expectedVersion })),
        )
        version += 2
        const stream = await t.store.readStream('Order-1').toArray()
        sameIds(stream.slice(-2), events, 'the end of the stream')
        equal(stream.length, version, 'the version of the stream')
        if (outcome.ok) equal(outcome.value.version, version, 'the version that was found out')
        else
          await fails(
            Promise.reject(outcome.error),
            'UNKNOWN_OUTCOME',
            `an append with ${expectedVersion} that committed, whose answer was lost`,
          )
      }
      equal(fragile.struck, 3, 'cuts that have struck')
    },
  },
  {
    id: 'ERR-2/outage-within-the-budget',
    rule: 'ERR-2',
    title: 'reads and writes that meet an outage go on when it ends within the budget',
    hooks: ['fragileHandle'],
    async run(t) {
      await writeOthers(t.store)
      const retried = { append: t.gate('append'), read: t.gate('read') }
      const fragile = await t.hook('fragileHandle')({
        retryBudgetMs: 60_000,
        onRetry: (notice) =>
          (notice.operation.startsWith('append') ? retried.append : retried.read).open(),
      })
      await fragile.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      await fragile.store.readStream('Order-1').toArray()
      await t.waitFor('the outage', fragile.outage())
      const events = drafts(3)
      const append = fragile.store.append('Order-1', events, { expectedVersion: 1 })
      const read = fragile.store.readStream('Neighbour-1').toArray()
      append.catch(() => {})
      read.catch(() => {})
      await t.waitFor(
        'onRetry to be told of the append',
        Promise.race([retried.append.opened, append]),
      )
      await t.waitFor('onRetry to be told of the read', Promise.race([retried.read.opened, read]))
      await t.waitFor('the recovery', fragile.recover())
      equal(
        (await t.waitFor('the append after the outage', append)).version,
        4,
        'the version of an append that met an outage',
      )
      equal(
        (await t.waitFor('the read after the outage', read)).length,
        3,
        'events of a read that met an outage',
      )
      sameIds(
        await t.store.readStream('Order-1', { fromVersion: 2 }).toArray(),
        events,
        'the stream after the outage',
      )
    },
  },
  {
    id: 'ERR-2/outage-beyond-the-budget',
    rule: 'ERR-2',
    title: 'an append that fails with UNAVAILABLE has written nothing and never will',
    hooks: ['fragileHandle'],
    async run(t) {
      await writeOthers(t.store)
      const fragile = await t.hook('fragileHandle')({ retryBudgetMs: 60 })
      await fragile.store.append('Order-1', drafts(1), { expectedVersion: 0 })
      await t.waitFor('the outage', fragile.outage())
      const failed: { ids: string[]; code: ErrorCode }[] = []
      for (const expectedVersion of [1, 'any', 'exists'] as const) {
        const events = drafts(2)
        const error = await t.waitFor(
          `an append with ${expectedVersion} to fail`,
          fails(
            fragile.store.append('Order-1', events, { expectedVersion }),
            ['UNAVAILABLE', 'UNKNOWN_OUTCOME'],
            `an append with ${expectedVersion} during an outage`,
          ),
        )
        failed.push({ ids: idsOf(events), code: error.code })
      }
      await t.waitFor('the recovery', fragile.recover())
      const marker = draft()
      await t.until('the handle to work again', async () => {
        return (await settle(fragile.store.append('Marker-1', [marker]))).ok
      })
      const seen = new Set(idsOf(await t.store.readAll().toArray()))
      for (const { ids, code } of failed)
        if (code === 'UNAVAILABLE')
          ok(
            !ids.some((id) => seen.has(id)),
            'an append that failed with UNAVAILABLE',
            'nothing written',
            ids,
          )
      gapless(await t.store.readStream('Order-1').toArray(), 'Order-1')
    },
  },
  {
    id: 'ERR-2/cut-in-a-crowd',
    rule: 'ERR-2',
    title: 'a cut among twenty parallel appends leaves each with one effect and its own result',
    hooks: ['fragileHandle'],
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const fragile = await t.hook('fragileHandle')()
      for (const cut of ['cutAfterCommit', 'cutBeforeRequest'] as const) {
        const struck = fragile.struck
        fragile[cut]()
        const appends = Array.from({ length: 20 }, (_, i) => ({
          streamId: `${cut}-${i % 10}`,
          events: drafts(1 + (i % 2)),
        }))
        const results = await t.waitFor(
          `twenty appends around ${cut}`,
          Promise.all(appends.map((a) => fragile.store.append(a.streamId, a.events))),
        )
        equal(fragile.struck, struck + 1, 'cuts that have struck')
        for (const [i, { streamId, events }] of appends.entries()) {
          const version = results[i]?.version ?? 0
          const written = await t.store
            .readStream(streamId, {
              fromVersion: version - events.length + 1,
              limit: events.length,
            })
            .toArray()
          sameIds(written, events, `append ${i} at the version that it was told`)
        }
        const prefix = { filter: { streamPrefixes: [`${cut}-`] } }
        equal((await t.store.readAll(prefix).toArray()).length, 30, `events after ${cut}`)
      }
    },
  },
]
