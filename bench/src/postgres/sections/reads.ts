import {
  drive,
  type Load,
  perSecond,
  type Sample,
  type SideBySide,
  sideBySide,
  summarise,
} from '../../measure.js'
import type { Arena, SectionRunner } from '../arena.js'
import { bare } from '../bare.js'
import type { Contestant } from '../contestant.js'
import { contestants } from '../contestants.js'
import { facts } from '../facts.js'
import { goalOf, ours, rateTable } from '../tables.js'

interface Shape {
  readonly title: string
  /** For the plot. */
  readonly label: string
  /** Events in one operation. */
  readonly events: number
  /** Whether one at a time is measured as well. */
  readonly oneByOne?: boolean
  readonly load: (contestant: Contestant) => Omit<Load, 'milliseconds'>
}

/** Streams, short and long, and everything. */
export const reads: SectionRunner = {
  id: 'reads',
  run: async (arena) => {
    const long = { streams: arena.quick ? 2 : 30, events: arena.quick ? 50 : 1000 }
    const short = { streams: arena.quick ? 5 : 300, events: 10 }
    const all = await arena.openAll(contestants)
    for (const contestant of all) {
      arena.progress(`filling ${contestant.name}`)
      for (let i = 0; i < long.streams; i++) {
        await contestant.append(`long-${i}`, 0, facts(long.events))
      }
      for (let i = 0; i < short.streams; i++) {
        await contestant.append(`short-${i}`, 0, facts(short.events))
      }
    }
    await arena.settle()
    const total = long.streams * long.events + short.streams * short.events
    const shapes: Shape[] = [
      {
        title: `streams of ${short.events} events, 1 reader`,
        label: `${short.events} events`,
        events: short.events,
        load: (contestant) => ({
          workers: 1,
          work: (_, i) => contestant.readStream(`short-${i % short.streams}`),
        }),
      },
      {
        title: `streams of ${short.events} events, 16 readers`,
        label: `${short.events} events ×16`,
        events: short.events,
        load: (contestant) => ({
          workers: 16,
          work: (reader, i) => contestant.readStream(`short-${(reader * 17 + i) % short.streams}`),
        }),
      },
      {
        title: `streams of ${long.events.toLocaleString('en-US')} events, 1 reader`,
        label: `${long.events.toLocaleString('en-US')} events`,
        events: long.events,
        load: (contestant) => ({
          workers: 1,
          work: (_, i) => contestant.readStream(`long-${i % long.streams}`),
        }),
      },
      {
        title: `everything, ${total.toLocaleString('en-US')} events, 1 reader`,
        label: 'everything',
        events: total,
        oneByOne: true,
        load: (contestant) => ({ workers: 1, each: 1, work: () => expectAll(contestant, total) }),
      },
    ]
    const measured = new Map<Shape, SideBySide>()
    for (const shape of shapes) measured.set(shape, await measure(arena, all, shape))
    await arena.close(all)
    return {
      title: 'Reads',
      notes: [
        'A stream is read into one array. Everything is read in the global order: bare by one select into one array of all events; the stores page by page, each event parsed and dropped (Annals: `batches()`, and event by event with `for await`).',
        'evtstore reads less: it keeps an event as one text, with neither an id nor metadata of its own, so that the server has no jsonb to print and the client fewer columns to take.',
      ],
      tables: [...measured].map(([shape, results]) =>
        rateTable(shape.title, 'events/s', results, shape.events),
      ),
      plots: [
        {
          title: 'Reads',
          kind: 'bars',
          yLabel: 'events/s',
          series: all.map(({ name }) => ({
            name,
            points: [...measured].map(([shape, results]) => ({
              x: shape.label,
              y: summarise(results.get(name) ?? []).perSecond * shape.events,
            })),
          })),
        },
      ],
      goals: [...measured].flatMap(([shape, results]) =>
        goalOf(
          `reads of ${shape.title}: Annals by a bare select`,
          { atLeast: 0.8 },
          results,
          [ours, bare.name],
          perSecond,
        ),
      ),
    }
  },
}

function measure(arena: Arena, all: readonly Contestant[], shape: Shape): Promise<SideBySide> {
  const contender = (contestant: Contestant, name: string) => ({
    name,
    run: (): Promise<Sample> =>
      drive({ milliseconds: arena.quick ? 30 : 500, ...shape.load(contestant) }),
  })
  return sideBySide(
    all.flatMap((contestant) => {
      const { readAllOneByOne } = contestant
      if (shape.oneByOne !== true || readAllOneByOne === undefined) {
        return [contender(contestant, contestant.name)]
      }
      return [
        contender(contestant, contestant.name),
        contender(
          { ...contestant, readAll: readAllOneByOne },
          `${contestant.name}, event by event`,
        ),
      ]
    }),
    {
      rounds: arena.quick ? 1 : 7,
      onTurn: ({ name, round }) => arena.progress(`${shape.title}, round ${round}: ${name}`),
    },
  )
}

async function expectAll(contestant: Contestant, total: number): Promise<void> {
  const read = await contestant.readAll()
  if (read !== total) throw new Error(`${contestant.name} read ${read} events of ${total}`)
}
