import type { EventReader, EventStore } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, ok, settle } from '../check.js'
import { drafts, writeOthers } from '../fixtures.js'
import { settledMeanwhile } from '../gates.js'

export const uncommittedCases: readonly ConformanceCase[] = [
  {
    id: 'APPEND-2/held-seen-from-within',
    rule: 'APPEND-2',
    title: 'not even the handle that appends sees its events before they are committed',
    hooks: ['heldWriter'],
    concurrent: true,
    async run(t) {
      const others = await writeOthers(t.store)
      await t.store.append('Order-1', drafts(2), { expectedVersion: 0 })
      for (const end of ['release', 'kill'] as const) {
        const version = await t.store.streamVersion('Order-1')
        const writer = await t.hook('heldWriter')()
        // A handle that has read before reads as it will from now on.
        await writer.store.readStream('Order-1').toArray()
        const hold = writer.hold()
        const pending = settle(
          writer.store.append('Order-1', drafts(5), { expectedVersion: version }),
        )
        await t.waitFor('the held append to stand before its commit', hold.arrived)

        const over = new AbortController()
        const answered = new Set<string>()
        const reads = Object.entries(lengths(writer.store, others.length, over.signal)).map(
          async ([name, read]) => {
            const outcome = await settle(read)
            answered.add(name)
            return { name, outcome }
          },
        )
        const all = t.background(Promise.all(reads))
        await t.waitFor('reads through the handle of the held append', settledMeanwhile(all))
        const early = new Set(answered)
        await t.waitFor(`the ${end}`, end === 'release' ? hold.release() : writer.kill())
        const appended = await t.waitFor('the held append to end', pending)
        equal(appended.ok, end === 'release', `whether an append succeeds after its ${end}`)
        // A process that was killed owes its readers no answer.
        if (end === 'kill' && !(await settledMeanwhile(all))) over.abort()

        for (const { name, outcome } of await t.waitFor('reads through the handle', all)) {
          const what = `events of a stream, by ${name} through the handle of a held append of five to it`
          if (early.has(name)) equal(outcome, { ok: true, value: version }, what)
          // Where the handle has one connection, its reads may wait for the append, and see what came of it.
          else if (outcome.ok && end === 'release')
            ok([version, version + 5].includes(outcome.value), what, 'all or none', outcome.value)
          else if (outcome.ok) equal(outcome.value, version, `${what}, which was killed`)
          else equal(end, 'kill', `what was done before ${name} failed with ${outcome.error}`)
        }
      }
      equal(await t.store.streamVersion('Order-1'), 7, 'the version of the stream at the end')
    },
  },
]

/** How many events of Order-1 each kind of read finds. */
function lengths(
  store: EventStore,
  others: number,
  signal: AbortSignal,
): Readonly<Record<string, Promise<number>>> {
  const lengthOf = async (reader: EventReader) => (await reader.toArray()).length
  return {
    readStream: lengthOf(store.readStream('Order-1', { signal })),
    'readStream backwards': lengthOf(
      store.readStream('Order-1', { direction: 'backwards', signal }),
    ),
    streamVersion: store.streamVersion('Order-1', { signal }),
    'readAll with a filter': lengthOf(store.readAll({ filter: { categories: ['Order'] }, signal })),
    'readAll backwards': lengthOf(store.readAll({ direction: 'backwards', signal })).then(
      (length) => length - others,
    ),
  }
}
