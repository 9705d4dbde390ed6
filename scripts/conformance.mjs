// pnpm conformance [arguments]: runs the command line of the conformance suite.
import { join } from 'node:path'
import { root, run, setUp } from './setup.mjs'

const env = setUp()
const main = join(root, 'conformance', 'dist', 'cli.js')
process.exitCode = await run(process.execPath, [main, ...process.argv.slice(2)], { env })
