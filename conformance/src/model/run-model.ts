import * as fc from 'fast-check'
import type { Level } from '../case.js'
import type { Harness } from '../harness.js'
import { CaseFailure } from '../run-case.js'
import { Sequence } from './apply.js'
import { type Command, sequences } from './commands.js'

export interface ModelOptions {
  /** Default: 'full'. Decides on the number of runs where `runs` does not. */
  readonly level?: Level | undefined
  /** How many sequences, each on a store of its own. Default: 10 ('quick') or 40 ('full'). */
  readonly runs?: number | undefined
  /** The most commands of a sequence. Default: 40. */
  readonly commands?: number | undefined
  /** To have a failure again. Default: ANNALS_SEED, or a new one each time. It stands in the failure's message. */
  readonly seed?: number | undefined
}

/**
 * Random sequences of calls, done to the store and to a model of a few arrays. What differs is shrunk to the shortest
 * sequence that still differs.
 * @throws CaseFailure with the seed and that sequence.
 */
export async function runModel(harness: Harness, options: ModelOptions = {}): Promise<void> {
  const given = process.env.ANNALS_SEED
  const seed = options.seed ?? (given ? Number(given) : Math.floor(Math.random() * 2 ** 31))
  const numRuns = options.runs ?? (options.level === 'quick' ? 10 : 40)
  const result = await fc.check(
    fc.asyncProperty(sequences(options.commands ?? 40), (commands) => run(harness, commands)),
    { seed, numRuns },
  )
  if (!result.failed) return
  const commands = result.counterexample?.[0] ?? []
  const cause = result.errorInstance
  throw new CaseFailure(
    'MODEL/random-sequences',
    'MODEL',
    [
      `${harness.name} differs from the model (seed ${seed}: set ANNALS_SEED=${seed} to have it again; run ${result.numRuns}, shrunk ${result.numShrinks} times)`,
      ...commands.map((command, i) => `  ${i + 1}. ${JSON.stringify(command)}`),
      `  ${cause instanceof Error ? cause.message.replaceAll('\n', '\n  ') : String(cause)}`,
    ].join('\n'),
    { cause },
  )
}

async function run(harness: Harness, commands: readonly Command[]): Promise<void> {
  const subject = await harness.open()
  try {
    // Some stores know their capabilities only after the first call.
    await subject.store.headPosition()
    const sequence = new Sequence(subject)
    for (const command of commands) await sequence.apply(command)
    await sequence.finish()
  } finally {
    await subject.cleanup()
  }
}
