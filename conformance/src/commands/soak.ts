import { parseArgs } from 'node:util'
import { loadHarnesses } from '../harness-modules.js'
import { formatProgress, runSoak } from '../history/index.js'
import { memoryHarness } from '../memory-harness.js'
import { type Command, UsageError, wholeNumber } from './command.js'

/** Loads a store with histories under faults for some minutes, and checks them. */
export const soak: Command = async (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string' },
      workers: { type: 'string' },
    },
  })
  if (positionals.length > 1) throw new UsageError('soak takes one harness module')
  const minutes = Number(values.minutes)
  if (!(minutes > 0))
    throw new UsageError(`--minutes takes a number above 0, not ${values.minutes}`)
  const seed = wholeNumber('--seed', values.seed)
  const workers = wholeNumber('--workers', values.workers)
  const [make] = positionals[0] ? await loadHarnesses(positionals[0]) : [memoryHarness]
  if (!make) throw new UsageError(`${positionals[0]} has no harness`)
  const harness = await make()
  try {
    const result = await runSoak({
      minutes,
      ...(seed === undefined ? {} : { seed }),
      ...(workers === undefined ? {} : { workers }),
      target: harness,
      onProgress: (progress) => console.error(formatProgress(progress)),
    })
    console.log(JSON.stringify(result, null, 2))
    return result.ok ? 0 : 1
  } finally {
    await harness.close?.()
  }
}
