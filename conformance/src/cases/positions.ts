import type { Position } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { ascending, equal, fails, ok, sameEvents } from '../check.js'
import { drafts, fill, writeOthers } from '../fixtures.js'

export const positionCases: readonly ConformanceCase[] = [
  {
    id: 'ALL-8/exclusive',
    rule: 'ALL-8',
    title: 'after is exclusive in both directions, from each event and with each limit',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 7, { chunk: 3 })
      const all = await t.store.readAll().toArray()
      equal(all.length, 12, 'events')
      for (const [i, { position }] of all.entries())
        for (const limit of [undefined, 0, 1, 5, 12, 13]) {
          sameEvents(
            await t.store.readAll({ after: position, limit }).toArray(),
            all.slice(i + 1).slice(0, limit),
            `forwards after event ${i} with limit ${limit ?? 'none'}`,
          )
          sameEvents(
            await t.store.readAll({ after: position, limit, direction: 'backwards' }).toArray(),
            all.slice(0, i).reverse().slice(0, limit),
            `backwards after event ${i} with limit ${limit ?? 'none'}`,
          )
        }
      for (const limit of [undefined, 0, 1, 12, 13]) {
        sameEvents(
          await t.store.readAll({ limit }).toArray(),
          all.slice(0, limit),
          `forwards from the start with limit ${limit ?? 'none'}`,
        )
        sameEvents(
          await t.store.readAll({ limit, direction: 'backwards' }).toArray(),
          [...all].reverse().slice(0, limit),
          `backwards from the end with limit ${limit ?? 'none'}`,
        )
      }
    },
  },
  {
    id: 'ALL-8/plain-strings',
    rule: 'ALL-8',
    title: 'positions sort as plain strings past ten, a hundred and a thousand events',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 15, { chunk: 1 })
      await fill(t.store, 'Order-2', 1200, { chunk: 300 })
      await fill(t.store, 'Order-3', 12, { chunk: 1 })
      const all = await t.store.readAll().toArray()
      equal(all.length, 1232, 'events')
      const positions = all.map((e) => e.position)
      for (const position of positions)
        ok(typeof position === 'string', 'a position', 'a string', position)
      ascending(positions, 'the positions of all events')
      equal([...positions].sort(), positions, 'the positions, sorted as plain strings')
      const half = Math.floor(all.length / 2)
      sameEvents(
        await t.store.readAll({ after: positions[half] }).toArray(),
        all.slice(half + 1),
        'after a position in the middle',
      )
      sameEvents(
        await t.store.readAll({ after: positions[half], direction: 'backwards' }).toArray(),
        all.slice(0, half).reverse(),
        'backwards after a position in the middle',
      )
    },
  },
  {
    id: 'ALL-8/kept-elsewhere',
    rule: 'ALL-8',
    title: 'a position kept as JSON goes on where it stood, in another handle and after reopening',
    async run(t) {
      await writeOthers(t.store)
      await fill(t.store, 'Order-1', 6, { chunk: 2 })
      const all = await t.store.readAll().toArray()
      const kept = all.map((e) => JSON.parse(JSON.stringify({ at: e.position })).at as Position)
      equal(
        kept,
        all.map((e) => e.position),
        'positions after a round trip through JSON',
      )
      for (const position of kept)
        ok(/^[\x20-\x7e]+$/.test(position), 'a position', 'printable ASCII', position)
      await t.waitFor('the first handle to close', t.store.close())
      const again = await t.another()
      for (const [i, after] of kept.entries())
        sameEvents(
          await again.readAll({ after }).toArray(),
          all.slice(i + 1),
          `after kept position ${i}, reopened`,
        )
    },
  },
  {
    id: 'ALL-8/empty-store',
    rule: 'ALL-8',
    title: 'an empty store has no head, and caughtUp carries a position that precedes every event',
    async run(t) {
      equal(await t.store.headPosition(), null, 'headPosition of an empty store')
      equal(await t.store.readAll().toArray(), [], 'forwards')
      equal(await t.store.readAll({ direction: 'backwards' }).toArray(), [], 'backwards')
      const collectors = [
        t.collect('from the start', t.store.subscribeToAll()),
        t.collect("from 'end'", t.store.subscribeToAll({ after: 'end' })),
      ]
      for (const collector of collectors)
        await t.collected('caughtUp', collector, (c) => c.messages.length > 0)
      const origins = collectors.map((c) => {
        const [message] = c.messages
        if (message?.kind !== 'caughtUp')
          throw new TypeError(`the first message in an empty store is ${message?.kind}`)
        return message.position
      })
      const { position } = await t.store.append('Order-1', drafts(2))
      equal(await t.store.headPosition(), position, 'headPosition after the first append')
      for (const origin of origins) {
        const read = await t.store.readAll({ after: origin }).toArray()
        equal(read.length, 2, `events after the position ${origin} of an empty store`)
        ok(
          origin < (read[0]?.position ?? ''),
          'the position of an empty store',
          `below the first event’s, ${read[0]?.position}, as a plain string`,
          origin,
        )
        equal(
          await t.store.readAll({ after: origin, direction: 'backwards' }).toArray(),
          [],
          'events below the position of an empty store',
        )
      }
    },
  },
  {
    id: 'ALL-8/foreign-position',
    rule: 'ALL-8',
    title: 'a position of another kind, and a malformed limit or direction, is refused',
    async run(t) {
      await writeOthers(t.store)
      const head = (await t.store.headPosition()) ?? ''
      for (const after of ['xx-1', '', 'start', '1', `${head}x`, ` ${head}`, 'null', 7, {}]) {
        await fails(
          async () => t.store.readAll({ after: after as Position }).toArray(),
          'INVALID_ARGUMENT',
          `readAll after ${JSON.stringify(after)}`,
        )
        if (after === 'start') continue
        await fails(
          async () => {
            for await (const _ of t.store.subscribeToAll({ after: after as Position })) break
          },
          'INVALID_ARGUMENT',
          `subscribeToAll after ${JSON.stringify(after)}`,
        )
      }
      for (const options of [{ limit: -1 }, { limit: 1.5 }, { limit: '3' }, { direction: 'down' }])
        await fails(
          async () => t.store.readAll(options as never).toArray(),
          'INVALID_ARGUMENT',
          `readAll with ${JSON.stringify(options)}`,
        )
    },
  },
]
