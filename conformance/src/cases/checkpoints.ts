import type { Position } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, fails, ok, settle } from '../check.js'
import { drafts, fill, times, writeOthers } from '../fixtures.js'

export const checkpointCases: readonly ConformanceCase[] = [
  {
    id: 'CHECK-1/save-and-load',
    rule: 'CHECK-1',
    title: 'a checkpoint is what was last saved, for every handle, and null where there is none',
    async run(t) {
      const [first, second, third] = await positions(t)
      const other = await t.another()
      equal(await t.store.checkpoints.load('orders'), null, 'a checkpoint never saved')
      await t.store.checkpoints.save('orders', first)
      equal(await other.checkpoints.load('orders'), first, 'through another handle')
      await other.checkpoints.save('orders', third)
      equal(await t.store.checkpoints.load('orders'), third, 'after another handle saved')
      await t.store.checkpoints.save('orders', second)
      equal(await other.checkpoints.load('orders'), second, 'after it was set back')
    },
  },
  {
    id: 'CHECK-1/compare-and-set',
    rule: 'CHECK-1',
    title:
      'a save that demands the previous value is refused where it is another, and saves nothing',
    async run(t) {
      const [first, second, third] = await positions(t)
      const { checkpoints } = t.store
      const refused = async (expected: Position | null, actual: Position | null) => {
        const error = await fails(
          checkpoints.save('orders', third, { expected }),
          'CHECKPOINT_CONFLICT',
          `a save that expects ${expected} where there is ${actual}`,
        )
        equal(
          [error.subscriptionId, error.expected, error.actual],
          ['orders', expected, actual],
          'what the refusal tells',
        )
        equal(await checkpoints.load('orders'), actual, 'the checkpoint after a refused save')
      }
      await refused(first, null)
      await checkpoints.save('orders', first, { expected: null })
      await refused(null, first)
      await refused(second, first)
      await checkpoints.save('orders', second, { expected: first })
      equal(await checkpoints.load('orders'), second, 'after a save with the true value')
      await refused(first, second)
      await checkpoints.save('orders', second, { expected: second })
      await checkpoints.save('orders', third)
      equal(await checkpoints.load('orders'), third, 'after a save that demands nothing')
    },
  },
  {
    id: 'CHECK-1/one-owner-wins',
    rule: 'CHECK-1',
    title: 'of ten owners that save from the same value at once, one wins',
    concurrent: true,
    async run(t) {
      await writeOthers(t.store)
      const { results } = await fill(t.store, 'Order-1', 10, { chunk: 1 })
      const other = await t.another()
      let expected: Position | null = null
      for (let round = 0; round < 4; round++) {
        const demanded: Position | null = expected
        const outcomes = await t.waitFor(
          'ten owners',
          Promise.all(
            results.map((result, i) =>
              settle(
                (i % 2 === 0 ? t.store : other).checkpoints.save('orders', result.position, {
                  expected: demanded,
                }),
              ),
            ),
          ),
        )
        const kept: Position | null = await t.store.checkpoints.load('orders')
        // In later rounds one owner saves what is there already: then others may follow it. It wins alone otherwise.
        const winners = outcomes.flatMap((o, i) => (o.ok ? [results[i]?.position] : []))
        const moved = winners.filter((position) => position !== demanded)
        equal(moved.length, 1, `how many of ten owners moved the checkpoint from ${demanded}`)
        equal(kept, moved[0], 'the checkpoint, and what the winner saved')
        for (const outcome of outcomes)
          if (!outcome.ok)
            await fails(Promise.reject(outcome.error), 'CHECKPOINT_CONFLICT', 'a save that lost')
        expected = kept
      }
    },
  },
  {
    id: 'CHECK-1/delete',
    rule: 'CHECK-1',
    title: 'a deleted checkpoint is gone; deleting none does nothing',
    async run(t) {
      const [first, second] = await positions(t)
      const { checkpoints } = t.store
      await checkpoints.delete('orders')
      await checkpoints.save('orders', first)
      await checkpoints.save('others', first)
      await checkpoints.delete('orders')
      equal(await checkpoints.load('orders'), null, 'a deleted checkpoint')
      equal(await checkpoints.load('others'), first, 'its neighbour')
      await fails(
        checkpoints.save('orders', second, { expected: first }),
        'CHECKPOINT_CONFLICT',
        'a save that expects the deleted value',
      )
      await checkpoints.save('orders', second, { expected: null })
      equal(await checkpoints.load('orders'), second, 'saved anew')
    },
  },
  {
    id: 'CHECK-1/durable',
    rule: 'CHECK-1',
    title: 'checkpoints are there after reopening, each under its own name, and are no events',
    async run(t) {
      const all = await writeOthers(t.store)
      const names = ['orders', 'Orders', 'orders ', 'a/b', "it's", '%', 'Ünï 🛒', 'é'.repeat(127)]
      for (const [i, name] of names.entries())
        await t.store.checkpoints.save(name, all[i % all.length]?.position ?? '')
      await t.waitFor('the first handle to close', t.store.close())
      const again = await t.another()
      for (const [i, name] of names.entries())
        equal(
          await again.checkpoints.load(name),
          all[i % all.length]?.position,
          `the checkpoint ${JSON.stringify(name)} after reopening`,
        )
      equal((await again.readAll().toArray()).length, all.length, 'events')
    },
  },
  {
    id: 'CHECK-1/resume',
    rule: 'CHECK-1',
    title:
      'a subscription goes on from its checkpoint, whichever kind of message it was taken from',
    async run(t) {
      await writeOthers(t.store)
      const collector = t.collect('of all', t.store.subscribeToAll())
      await t.collected('the head', collector, (c) => c.count('caughtUp') > 0)
      const last = collector.messages.at(-1)
      await t.store.checkpoints.save('orders', last?.kind === 'caughtUp' ? last.position : '')
      const events = drafts(2)
      await t.store.append('Order-1', events)
      const other = await t.another()
      const after = (await other.checkpoints.load('orders')) ?? undefined
      const resumed = t.collect('resumed', other.subscribeToAll({ after }))
      await t.collected('the rest', resumed, (c) => c.events.length >= 2)
      equal(
        resumed.ids,
        events.map((e) => e.id),
        'what comes after the checkpoint',
      )
    },
  },
  {
    id: 'CHECK-1/refusals',
    rule: 'CHECK-1',
    title: 'a malformed subscription id or position is refused with INVALID_ARGUMENT',
    async run(t) {
      const [first] = await positions(t)
      for (const id of ['', 'a\u0000b', '\ud800', 7, null])
        await fails(
          async () => t.store.checkpoints.save(id as string, first),
          'INVALID_ARGUMENT',
          `a checkpoint under the name ${JSON.stringify(id)}`,
        )
      for (const position of ['xx-1', '', 7, null])
        await fails(
          async () => t.store.checkpoints.save('orders', position as Position),
          'INVALID_ARGUMENT',
          `a checkpoint at ${JSON.stringify(position)}`,
        )
      equal(await t.store.checkpoints.load('orders'), null, 'the checkpoint after refused saves')
    },
  },
  {
    id: 'CHECK-1/after-a-restart',
    rule: 'CHECK-1',
    title: 'a saved checkpoint survives the death of the server',
    hooks: ['restartServer'],
    async run(t) {
      const [first, second] = await positions(t)
      await t.store.checkpoints.save('orders', first)
      await t.store.checkpoints.save('orders', second, { expected: first })
      await t.waitFor('the server to be killed and started', t.hook('restartServer')())
      equal(await t.store.checkpoints.load('orders'), second, 'the checkpoint after the restart')
    },
  },
]

async function positions(t: {
  store: Parameters<typeof writeOthers>[0]
}): Promise<[Position, Position, Position]> {
  const all = await writeOthers(t.store)
  ok(all.length >= 3, 'events to take positions from', 'at least three', all.length)
  return times(3, (i) => all[i]?.position ?? '') as [Position, Position, Position]
}
