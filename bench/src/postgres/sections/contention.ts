import { drive, type SideBySide, sideBySide, summarise } from '../../measure.js'
import { annalsFourStores } from '../annals.js'
import type { SectionRunner } from '../arena.js'
import { Conflict, type Contestant } from '../contestant.js'
import { contestants } from '../contestants.js'
import { fact } from '../facts.js'
import { rateTable } from '../tables.js'

const writers = 16

/** All writers to one stream: with the version that each believes in, and without any. */
export const contention: SectionRunner = {
  id: 'contention',
  run: async (arena) => {
    const all = await arena.openAll([...contestants, annalsFourStores])
    const measure = (kind: string, append: Append): Promise<SideBySide> =>
      sideBySide(
        all.map((contestant) => ({
          name: contestant.name,
          run: (round) => {
            const streamId = `order-${kind}-${round}`
            const known = new Array<number>(writers).fill(0)
            return drive({
              workers: writers,
              milliseconds: arena.quick ? 30 : 1000,
              work: (writer, _index, count) => append(contestant, streamId, known, writer, count),
            })
          },
        })),
        {
          rounds: arena.quick ? 1 : 5,
          onTurn: ({ name, round }) => arena.progress(`${kind}, round ${round}: ${name}`),
        },
      )
    const expected = await measure('expected', withVersion)
    const any = await measure('any', withoutVersion)
    await arena.close(all)
    return {
      title: 'Contention: 16 writers, one stream',
      notes: [
        'With an expected version: a writer that comes too late asks for the version (Annals: it is in the error; Emmett: the events after the last one known; evtstore: the last event; bare: `max(version)`) and tries again until it succeeds.',
        'Without: Annals and Emmett append with no expectation; evtstore has no such append, so its last event is read before each; bare inserts `max(version) + 1`. A conflict is retried at once.',
        'Appends of one store to one stream go together. "Annals, four stores" is what four processes get, with four of the writers each.',
        'The latency is that of an append with all its retries.',
      ],
      tables: [
        rateTable('With an expected version', 'appends/s', expected),
        rateTable('Without', 'appends/s', any),
      ],
      plots: [
        {
          title: '16 writers, one stream',
          kind: 'bars',
          yLabel: 'appends/s that succeed',
          series: all.map(({ name }) => ({
            name,
            points: [
              { x: 'expected version', y: summarise(expected.get(name) ?? []).perSecond },
              { x: 'any version', y: summarise(any.get(name) ?? []).perSecond },
            ],
          })),
        },
      ],
      goals: [],
    }
  },
}

type Append = (
  contestant: Contestant,
  streamId: string,
  known: number[],
  writer: number,
  count: (reason: string) => void,
) => Promise<void>

const withVersion: Append = async (contestant, streamId, known, writer, count) => {
  const event = [fact(writer)]
  for (;;) {
    const version = known[writer] ?? 0
    try {
      await contestant.append(streamId, version, event)
      known[writer] = version + 1
      return
    } catch (error) {
      if (!(error instanceof Conflict)) throw error
      count('conflicts')
      known[writer] = error.actual ?? (await contestant.version(streamId, version))
    }
  }
}

const withoutVersion: Append = async (contestant, streamId, _known, writer, count) => {
  const event = [fact(writer)]
  for (;;) {
    try {
      await contestant.append(streamId, 'any', event)
      return
    } catch (error) {
      if (!(error instanceof Conflict)) throw error
      count('conflicts')
    }
  }
}
