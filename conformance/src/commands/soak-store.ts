import type { Harness } from '../harness.js'
import { runSoak } from '../history/index.js'
import { type Found, soakRecordOf } from '../reports/index.js'
import { UsageError, wholeNumber } from './command.js'
import { ProgressLines, soakProgress } from './progress.js'

export interface SoakArguments {
  readonly minutes: number
  readonly seed?: number
  readonly workers?: number
}

/** The options of the command line that say how a soak is to be. */
export function parseSoakArguments(values: {
  readonly minutes?: string | undefined
  readonly seed?: string | undefined
  readonly workers?: string | undefined
}): SoakArguments {
  const minutes = Number(values.minutes ?? '10')
  if (!(minutes > 0 && minutes < Number.POSITIVE_INFINITY))
    throw new UsageError(`--minutes takes a number above 0, not ${values.minutes}`)
  const seed = wholeNumber('--seed', values.seed)
  const workers = wholeNumber('--workers', values.workers)
  if (workers === 0) throw new UsageError('--workers takes at least 1')
  return {
    minutes,
    ...(seed === undefined ? {} : { seed }),
    ...(workers === undefined ? {} : { workers }),
  }
}

/** Soaks the store of a harness, which stays open. Ctrl-C ends it early, with a check of what was done until then. */
export async function soakStore(harness: Harness, soak: SoakArguments): Promise<Found> {
  const lines = new ProgressLines()
  const stop = new AbortController()
  const interrupted = () => {
    lines.print(`${harness.name}: ending early; what was done is checked. Ctrl-C again: no check`)
    stop.abort(new Error('interrupted'))
  }
  process.once('SIGINT', interrupted)
  try {
    const result = await runSoak({
      ...soak,
      target: harness,
      signal: stop.signal,
      onProgress: soakProgress(lines, harness.name),
    })
    // A soak that has seen nothing has found nothing, and is no evidence.
    const problems = result.eventsChecked === 0 ? ['the soak checked no event'] : []
    return { soak: soakRecordOf(result, soak.minutes), problems }
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { problems: [`the soak did not come to its end: ${what}`] }
  } finally {
    process.off('SIGINT', interrupted)
    lines.end()
  }
}
