import { drive, p50, perSecond, type SideBySide, sideBySide, summarise } from '../../measure.js'
import type { Goal } from '../../report.js'
import type { SectionRunner } from '../arena.js'
import { bare, barePrepared } from '../bare.js'
import { contestants } from '../contestants.js'
import { fact } from '../facts.js'
import { goalOf, ours, rateTable } from '../tables.js'

const writers = [1, 16, 64]

/** One event an append, each writer to its own stream with the version it knows. */
export const appends: SectionRunner = {
  id: 'appends',
  run: async (arena) => {
    const all = await arena.openAll([...contestants, barePrepared])
    const byWriters = new Map<number, SideBySide>()
    for (const count of writers) {
      const results = await sideBySide(
        all.map((contestant) => ({
          name: contestant.name,
          run: (round) =>
            drive({
              workers: count,
              milliseconds: arena.quick ? 30 : 1000,
              work: (writer, index) =>
                contestant.append(`order-${count}-${round}-${writer}`, index, [fact(index)]),
            }),
        })),
        {
          rounds: arena.quick ? 1 : 7,
          onTurn: ({ name, round }) => arena.progress(`${count} writers, round ${round}: ${name}`),
        },
      )
      byWriters.set(count, results)
    }
    await arena.close(all)
    return {
      title: 'Appends of one event',
      notes: [
        'Each writer appends to a stream of its own, one event at a time, with the expected version (for the bare inserts: the version to write), and waits for the acknowledgement before the next.',
      ],
      tables: [...byWriters].map(([count, results]) =>
        rateTable(count === 1 ? '1 writer' : `${count} writers`, 'appends/s', results),
      ),
      plots: [
        {
          title: 'Appends of one event, each writer its own stream',
          kind: 'bars',
          yLabel: 'appends/s',
          series: all.map(({ name }) => ({
            name,
            points: [...byWriters].map(([count, results]) => ({
              x: count === 1 ? '1 writer' : `${count} writers`,
              y: summarise(results.get(name) ?? []).perSecond,
            })),
          })),
        },
      ],
      goals: goals(byWriters),
    }
  },
}

function goals(byWriters: ReadonlyMap<number, SideBySide>): Goal[] {
  const of = (count: number) => byWriters.get(count) ?? new Map()
  const faster = (count: number, than: string, atLeast: number) =>
    goalOf(
      `appends/s at ${count} writers, Annals by ${than}`,
      { atLeast },
      of(count),
      [ours, than],
      perSecond,
    )
  return [
    ...faster(16, 'Emmett', 5),
    ...faster(16, 'evtstore', 3),
    ...faster(16, bare.name, 1),
    ...faster(64, bare.name, 3),
    ...goalOf(
      `latency (p50) of one writer, Annals by ${bare.name}`,
      { atMost: 1.25 },
      of(1),
      [ours, bare.name],
      p50,
    ),
  ]
}
