import { drive, median, p50, perSecond, type Sample, sideBySide } from '../../measure.js'
import type { Goal, Table } from '../../report.js'
import { annals } from '../annals.js'
import { type Arena, type Filled, type SectionRunner, streamOf } from '../arena.js'
import { bare } from '../bare.js'
import { fact } from '../facts.js'

const kinds = [annals, bare]
const page = { stream: 100, all: 500 }

export function sizesOf(arena: Arena): readonly number[] {
  return arena.quick ? [100, 1000] : [1e3, 1e4, 1e5, 1e6]
}

/** What is measured of a store of one size in one round. */
interface Turn {
  readonly appends: Sample
  readonly streamPage: Sample
  readonly allPage: Sample
}

interface Measure {
  readonly name: string
  readonly unit: string
  readonly value: (turn: Turn) => number
  /** Whether more is better. */
  readonly more: boolean
}

const measures: readonly Measure[] = [
  {
    name: 'appends at 16 writers',
    unit: 'appends/s',
    value: ({ appends }) => perSecond(appends),
    more: true,
  },
  {
    name: `a page of ${page.stream} events of a stream`,
    unit: 'ms (p50)',
    value: ({ streamPage }) => p50(streamPage),
    more: false,
  },
  {
    name: `a page of ${page.all} events of all`,
    unit: 'ms (p50)',
    value: ({ allPage }) => p50(allPage),
    more: false,
  },
]

/** Stores of 10^3 to 10^6 events, side by side: what a larger store costs, whatever the machine does meanwhile. */
export const growth: SectionRunner = {
  id: 'growth',
  run: async (arena) => {
    const sizes = sizesOf(arena)
    const stores: Filled[] = []
    for (const kind of kinds) {
      for (const size of sizes) stores.push(await arena.filled(kind, size))
    }
    const results = await sideBySide(
      stores.map((store) => ({
        name: label(store.contestant.name, store.events),
        run: (round: number) => turn(arena, store, round),
      })),
      {
        rounds: arena.quick ? 1 : 15,
        warmup: arena.quick ? 1 : 2,
        onTurn: ({ name, round }) => arena.progress(`round ${round}: ${name}`),
      },
    )
    const medianOf = (name: string, size: number, measure: Measure) =>
      median((results.get(label(name, size)) ?? []).map(measure.value))
    return {
      title: 'Growth',
      notes: [
        `For each size a store (and a bare table) of its own, filled by appends of 1,000 events, and measured in turns: 256 appends of one event by 16 writers to new streams, pages of ${page.stream} events from the middle of random streams, pages of ${page.all} events of all from random places. (The measuring adds some 4,000 events to each.)`,
        'A bare table has the cost of a deeper index and of a larger cache too, so it is the yardstick of what cannot be helped.',
      ],
      tables: [
        ...measures.map(
          (measure): Table => ({
            title: `${measure.name}, ${measure.unit}`,
            columns: ['events in the store', ...kinds.map(({ name }) => name)],
            rows: sizes.map((size) => [
              size.toLocaleString('en-US'),
              ...kinds.map(({ name }) => medianOf(name, size, measure)),
            ]),
          }),
        ),
        {
          title: 'Filling by appends of 1,000 events, 2 writers, events/s',
          columns: ['events', ...kinds.map(({ name }) => name)],
          rows: sizes.map((size) => [
            size.toLocaleString('en-US'),
            ...kinds.map(
              ({ name }) =>
                stores.find((s) => s.contestant.name === name && s.events === size)?.perSecond ??
                null,
            ),
          ]),
        },
      ],
      plots: measures.map((measure) => ({
        title: `Growth: ${measure.name}`,
        kind: 'lines' as const,
        xLog: true,
        xLabel: 'events in the store',
        yLabel: measure.unit,
        series: kinds.map(({ name }) => ({
          name,
          points: sizes.map((size) => ({ x: size, y: medianOf(name, size, measure) })),
        })),
      })),
      goals: measures.flatMap((measure): Goal[] => {
        const first = results.get(label(annals.name, sizes[0] as number)) ?? []
        const last = results.get(label(annals.name, sizes.at(-1) as number)) ?? []
        const ratios = last.map((turn, i) => measure.value(turn) / measure.value(first[i] as Turn))
        return [
          {
            what: `flat growth: ${measure.name}, ${unitOf(measure)} at 10^6 events by 10^3`,
            aim: measure.more ? { atLeast: 0.8 } : { atMost: 1.25 },
            measured: median(ratios),
            lowest: Math.min(...ratios),
            highest: Math.max(...ratios),
          },
        ]
      }),
    }
  },
}

function label(name: string, size: number): string {
  return `${name} ${size}`
}

function unitOf({ more }: Measure): string {
  return more ? 'rate' : 'latency'
}

async function turn(arena: Arena, store: Filled, round: number): Promise<Turn> {
  const { contestant, streams, events } = store
  const perStream = events / streams
  const random = (below: number) => Math.floor(Math.random() * below)
  const appends = await drive({
    workers: 16,
    each: arena.quick ? 1 : 16,
    work: (writer, index) => contestant.append(`grown-${round}-${writer}`, index, [fact(index)]),
  })
  const streamPage = await drive({
    workers: 1,
    each: arena.quick ? 2 : 40,
    work: () => {
      const from = 1 + random(Math.max(perStream - page.stream, 1))
      return contestant.readStreamPage?.(streamOf(random(streams)), from, page.stream) ?? none()
    },
  })
  const allPage = await drive({
    workers: 1,
    each: arena.quick ? 2 : 12,
    // Not too near the end: there must be a whole page after it.
    work: () => contestant.readAllPage?.(Math.random() * 0.4, page.all) ?? none(),
  })
  return { appends, streamPage, allPage }
}

function none(): Promise<never> {
  throw new Error('This contestant gives no pages')
}
