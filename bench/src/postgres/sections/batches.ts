import { drive, perSecond, sideBySide, summarise } from '../../measure.js'
import type { SectionRunner } from '../arena.js'
import { bare } from '../bare.js'
import { contestants } from '../contestants.js'
import { facts } from '../facts.js'
import { goalOf, ours, rateTable } from '../tables.js'

/** A thousand events in one append, to a new stream each time. */
export const batches: SectionRunner = {
  id: 'batches',
  run: async (arena) => {
    const all = await arena.openAll(contestants)
    const size = arena.quick ? 20 : 1000
    const batch = facts(size)
    const results = await sideBySide(
      all.map((contestant) => ({
        name: contestant.name,
        run: (round) =>
          drive({
            workers: 1,
            each: arena.quick ? 1 : 3,
            work: (_writer, index) => contestant.append(`order-${round}-${index}`, 0, batch),
          }),
      })),
      {
        rounds: arena.quick ? 1 : 7,
        onTurn: ({ name, round }) => arena.progress(`round ${round}: ${name}`),
      },
    )
    await arena.close(all)
    return {
      title: `Appends of ${size.toLocaleString('en-US')} events`,
      notes: [
        `One writer appends ${size.toLocaleString('en-US')} events in one call, 3 calls a round, each to a new stream. Bare: one multi-row insert.`,
      ],
      tables: [rateTable('1 writer', 'events/s', results, size)],
      plots: [
        {
          title: `Appends of ${size.toLocaleString('en-US')} events`,
          kind: 'bars',
          yLabel: 'events/s',
          series: all.map(({ name }) => ({
            name,
            points: [{ x: '1 writer', y: summarise(results.get(name) ?? []).perSecond * size }],
          })),
        },
      ],
      goals: goalOf(
        'appends of 1,000 events, Annals by one multi-row insert',
        { atLeast: 0.5 },
        results,
        [ours, bare.name],
        perSecond,
      ),
    }
  },
}
