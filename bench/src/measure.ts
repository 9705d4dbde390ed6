/**
 * What one contender did in one round. All the tables and plots are made of these.
 *
 * The measuring loop lives in one JavaScript thread beside what it measures, so a figure is what a caller in the same
 * process sees, not what the database could do alone.
 */
export interface Sample {
  /** Operations that succeeded. */
  readonly operations: number
  readonly seconds: number
  /** Milliseconds, one for each operation that succeeded, ascending. */
  readonly latencies: readonly number[]
  /** Failures by the reason that the work gave them, e.g. `{ conflict: 12 }`. */
  readonly failures: Readonly<Record<string, number>>
}

/** Something that takes its turn in each round. */
export interface Contender<R = Sample> {
  readonly name: string
  /** One turn. `round` is unique over warm-up and measured rounds, so that each can use names of its own. */
  run(round: number): Promise<R>
}

export interface Rounds {
  /** Measured rounds. Use an odd number: then a median is one of the values. */
  readonly rounds: number
  /** Rounds before them whose results are thrown away. Default: 1. */
  readonly warmup?: number | undefined
  /** Told before each turn, for a progress line. */
  readonly onTurn?: ((turn: { name: string; round: number; warmup: boolean }) => void) | undefined
}

/** The results of each contender, in the order of the rounds. */
export type SideBySide<R = Sample> = ReadonlyMap<string, readonly R[]>

/**
 * Lets the contenders take turns: A B C, B C A, C A B, and so on. What disturbs a machine for a while (a checkpoint, a
 * neighbour) then falls on all of them, and the rotation keeps one from always running in the wake of the same other.
 */
export async function sideBySide<R>(
  contenders: readonly Contender<R>[],
  options: Rounds,
): Promise<SideBySide<R>> {
  const warmup = options.warmup ?? 1
  const results = new Map<string, R[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < warmup + options.rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length] as Contender<R>
      options.onTurn?.({ name: contender.name, round, warmup: round < warmup })
      const result = await contender.run(round)
      if (round >= warmup) results.get(contender.name)?.push(result)
    }
  }
  return results
}

/** Thrown by a piece of work that failed in a way that is to be counted, not to end the benchmark. */
export class CountedFailure extends Error {
  readonly reason: string

  constructor(reason: string, cause?: unknown) {
    super(reason, { cause })
    this.name = 'CountedFailure'
    this.reason = reason
  }
}

export interface Load {
  /** How many run at the same time, each its next operation as soon as the last has ended. */
  readonly workers: number
  /** How long new operations are begun. Give this or `each`. */
  readonly milliseconds?: number | undefined
  /** How many operations each worker does. */
  readonly each?: number | undefined
  /**
   * One operation. Throw a `CountedFailure` for a failure that belongs to the figures; `count` a failure that the
   * operation itself gets over, such as a conflict before its retry.
   */
  work(worker: number, index: number, count: (reason: string) => void): Promise<unknown>
}

/** Runs a load and measures each operation. A failure that is not a `CountedFailure` ends it. */
export async function drive(load: Load): Promise<Sample> {
  const latencies: number[] = []
  const failures: Record<string, number> = {}
  const count = (reason: string) => {
    failures[reason] = (failures[reason] ?? 0) + 1
  }
  const started = performance.now()
  const deadline = started + (load.milliseconds ?? Number.POSITIVE_INFINITY)
  const each = load.each ?? Number.POSITIVE_INFINITY
  await Promise.all(
    Array.from({ length: load.workers }, async (_, worker) => {
      for (let index = 0; index < each; index++) {
        const begun = performance.now()
        if (begun >= deadline) return
        try {
          await load.work(worker, index, count)
          latencies.push(performance.now() - begun)
        } catch (error) {
          if (!(error instanceof CountedFailure)) throw error
          count(error.reason)
        }
      }
    }),
  )
  return sample(latencies, performance.now() - started, failures)
}

/** A sample of latencies that were measured elsewhere. */
export function sample(
  latencies: readonly number[],
  milliseconds: number,
  failures: Readonly<Record<string, number>> = {},
): Sample {
  return {
    operations: latencies.length,
    seconds: milliseconds / 1000,
    latencies: [...latencies].sort((a, b) => a - b),
    failures,
  }
}

/** The value at a share of an ascending list: `quantile(list, 0.99)`. NaN of an empty list. */
export function quantile(ascending: readonly number[], share: number): number {
  const index = Math.ceil(share * ascending.length) - 1
  return ascending[Math.min(Math.max(index, 0), ascending.length - 1)] ?? Number.NaN
}

/** Of any list; between the two middle values where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return (quantile(sorted, 0.5) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}

/** What a contender did over all its rounds. */
export interface Summary {
  /** The median of the rounds' rates. */
  readonly perSecond: number
  readonly perSecondLowest: number
  readonly perSecondHighest: number
  /** Milliseconds, the median of the rounds' own quantiles. */
  readonly p50: number
  readonly p99: number
  readonly operations: number
  readonly failures: Readonly<Record<string, number>>
}

export function perSecond(result: Sample): number {
  return result.operations / result.seconds
}

export function p50(result: Sample): number {
  return quantile(result.latencies, 0.5)
}

export function p99(result: Sample): number {
  return quantile(result.latencies, 0.99)
}

export function summarise(rounds: readonly Sample[]): Summary {
  const rates = rounds.map(perSecond)
  const failures: Record<string, number> = {}
  for (const [reason, count] of rounds.flatMap((round) => Object.entries(round.failures))) {
    failures[reason] = (failures[reason] ?? 0) + count
  }
  return {
    perSecond: median(rates),
    perSecondLowest: Math.min(...rates),
    perSecondHighest: Math.max(...rates),
    p50: median(rounds.map(p50)),
    p99: median(rounds.map(p99)),
    operations: rounds.reduce((sum, { operations }) => sum + operations, 0),
    failures,
  }
}

/** How two contenders compare: the median over the rounds of one's value by the other's in the same round. */
export interface Ratio {
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

/** Compares round by round, so that what slowed one round down slows both sides of the fraction. */
export function ratio<R>(
  results: SideBySide<R>,
  numerator: string,
  denominator: string,
  value: (result: R) => number,
): Ratio {
  const of = (name: string) => {
    const rounds = results.get(name)
    if (rounds === undefined) throw new Error(`No contender is named ${name}`)
    return rounds
  }
  const below = of(denominator)
  const ratios = of(numerator).map((result, i) => value(result) / value(below[i] as R))
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) }
}
