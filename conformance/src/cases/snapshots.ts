import type { ConformanceCase } from '../case.js'
import { equal, fails, sameIds } from '../check.js'
import { drafts, fill, seeded, times, writeOthers } from '../fixtures.js'
import { jsonValues } from './json-values.js'

export const snapshotCases: readonly ConformanceCase[] = [
  {
    id: 'SNAP-1/save-and-load',
    rule: 'SNAP-1',
    title:
      'a snapshot comes back with its stream and version, through each handle and after reopening',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 5)
      const state = { total: 12.5, lines: [{ sku: 'a' }] }
      equal(await t.store.snapshots.load('Order-1'), null, 'a snapshot never saved')
      await t.store.snapshots.save({ streamId: 'Order-1', version: 5, state })
      const want = { streamId: 'Order-1', version: 5, state }
      equal(await t.store.snapshots.load('Order-1'), want, 'the snapshot')
      equal(await t.store.snapshots.load('Order-10'), null, 'the snapshot of another stream')
      equal(await t.store.snapshots.load('order-1'), null, 'the snapshot of another stream')
      await t.waitFor('the first handle to close', t.store.close())
      equal(await (await t.another()).snapshots.load('Order-1'), want, 'after reopening')
    },
  },
  {
    id: 'SNAP-1/older-never-replaces',
    rule: 'SNAP-1',
    title: 'an older snapshot never replaces a newer one, in whatever order they are saved',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 12)
      const other = await t.another()
      const save = (version: number, note: string) =>
        (version % 2 === 0 ? t.store : other).snapshots.save({
          streamId: 'Order-1',
          version,
          state: { version, note },
        })
      const kept = async () => (await t.store.snapshots.load<{ note: string }>('Order-1'))?.state
      await save(5, 'a')
      await save(9, 'b')
      await save(4, 'older')
      await save(1, 'much older')
      // 10 is above 9 also where a store compares text.
      equal(await kept(), { version: 9, note: 'b' }, 'after two older ones')
      await save(10, 'c')
      equal(await kept(), { version: 10, note: 'c' }, 'after a newer one')
      await save(9, 'older')
      equal(await kept(), { version: 10, note: 'c' }, 'after an older one')
      await save(10, 'd')
      equal(await kept(), { version: 10, note: 'd' }, 'after one of the same version')
    },
  },
  {
    id: 'SNAP-1/racing-saves',
    rule: 'SNAP-1',
    title: 'of snapshots saved at once in any order the newest is kept',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 20)
      const other = await t.another()
      const random = seeded(7)
      const versions = times(20, (i) => i + 1).sort(() => random() - 0.5)
      await t.waitFor(
        'twenty saves',
        Promise.all(
          versions.map((version, i) =>
            (i % 2 === 0 ? t.store : other).snapshots.save({
              streamId: 'Order-1',
              version,
              state: { version },
            }),
          ),
        ),
      )
      for (const store of [t.store, other])
        equal(
          await store.snapshots.load('Order-1'),
          { streamId: 'Order-1', version: 20, state: { version: 20 } },
          'the snapshot that is kept',
        )
    },
  },
  {
    id: 'SNAP-1/any-state',
    rule: 'SNAP-1',
    title: 'any JSON value and bytes come back equal as state',
    async run(t) {
      await writeOthers(t.store)
      const values: [string, unknown][] = [
        ...jsonValues().filter((_, i) => i % 3 === 0),
        ['U+0000', { text: 'a\u0000b' }],
        ['lone surrogates', '\ud800'],
        ['bytes', Uint8Array.from({ length: 256 }, (_, i) => i)],
        ['no bytes', new Uint8Array()],
        ['200 KiB', 'x'.repeat(200 * 1024)],
      ]
      let version = 0
      for (const [what, state] of values) {
        version++
        await t.store.snapshots.save({ streamId: 'Order-1', version, state })
        const loaded = await t.store.snapshots.load('Order-1')
        equal(loaded?.version, version, `the version of the snapshot with ${what}`)
        equal(
          loaded?.state,
          state instanceof Uint8Array ? state : JSON.parse(JSON.stringify(state)),
          `${what} as state`,
        )
      }
    },
  },
  {
    id: 'SNAP-1/apart-from-events',
    rule: 'SNAP-1',
    title: 'saving and deleting snapshots changes no stream; a deleted one is gone',
    async run(t) {
      await writeOthers(t.store)
      const { drafts: written } = await fill(t.store, 'Order-1', 4)
      const before = await t.store.headPosition()
      await t.store.snapshots.delete('Order-1')
      await t.store.snapshots.save({ streamId: 'Order-1', version: 3, state: 1 })
      await t.store.snapshots.save({ streamId: 'Order-2', version: 8, state: 2 })
      equal(await t.store.streamVersion('Order-2'), 0, 'a stream of which only a snapshot is kept')
      await t.store.snapshots.delete('Order-1')
      equal(await t.store.snapshots.load('Order-1'), null, 'a deleted snapshot')
      equal((await t.store.snapshots.load('Order-2'))?.state, 2, 'its neighbour')
      await t.store.snapshots.save({ streamId: 'Order-1', version: 1, state: 'anew' })
      equal(
        (await t.store.snapshots.load('Order-1'))?.version,
        1,
        'an older one after the deletion',
      )
      sameIds(await t.store.readStream('Order-1').toArray(), written, 'the stream')
      equal(await t.store.headPosition(), before, 'headPosition')
      const next = await t.store.append('Order-1', drafts(1), { expectedVersion: 4 })
      equal(next.version, 5, 'the version of the next append')
    },
  },
  {
    id: 'SNAP-1/damaged',
    rule: 'SNAP-1',
    title: 'an unreadable snapshot loads as none, and the next save replaces it',
    hooks: ['damageSnapshot'],
    async run(t) {
      await writeOthers(t.store)
      const { drafts: written } = await fill(t.store, 'Order-1', 4)
      await t.store.snapshots.save({ streamId: 'Order-1', version: 4, state: { total: 1 } })
      await t.waitFor('the damage', t.hook('damageSnapshot')('Order-1'))
      equal(await t.store.snapshots.load('Order-1'), null, 'a damaged snapshot')
      equal(await (await t.another()).snapshots.load('Order-1'), null, 'through another handle')
      sameIds(await t.store.readStream('Order-1').toArray(), written, 'the stream')
      const anew = { streamId: 'Order-1', version: 4, state: { total: 2 } }
      await t.store.snapshots.save(anew)
      equal(await t.store.snapshots.load('Order-1'), anew, 'the snapshot saved anew')
    },
  },
  {
    id: 'SNAP-1/refusals',
    rule: 'SNAP-1',
    title: 'a malformed snapshot is refused with INVALID_ARGUMENT, one too large with TOO_LARGE',
    async run(t) {
      await writeOthers(t.store)
      for (const version of [0, -1, 1.5, Number.NaN, '3'])
        await fails(
          async () =>
            t.store.snapshots.save({ streamId: 'Order-1', version: version as number, state: 1 }),
          'INVALID_ARGUMENT',
          `a snapshot at version ${version}`,
        )
      for (const state of [undefined, Number.NaN, 1n, new Date(), () => 1])
        await fails(
          async () => t.store.snapshots.save({ streamId: 'Order-1', version: 1, state }),
          'INVALID_ARGUMENT',
          `a snapshot with the state ${String(state)}`,
        )
      await fails(
        async () =>
          t.store.snapshots.save({
            streamId: 'Order-1',
            version: 1,
            state: 'x'.repeat(t.store.limits.maxEventBytes),
          }),
        'TOO_LARGE',
        'a snapshot above limits.maxEventBytes',
      )
      equal(await t.store.snapshots.load('Order-1'), null, 'the snapshot after refused saves')
    },
  },
]
