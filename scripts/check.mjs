// Lints everything and checks all types. Both run even if the first fails, so that one run shows all there is to mend.
import { run, setUp, tool } from './setup.mjs'

const env = setUp({ build: 'none' })
const lint = await run(tool('biome'), ['check', '--error-on-warnings', '.'], { env })
const types = await run(
  tool('turbo'),
  ['run', 'typecheck', '--continue', '--output-logs=errors-only', '--ui=stream'],
  { env, stdio: ['ignore', 'inherit', 'inherit'] },
)
process.exitCode = lint || types
