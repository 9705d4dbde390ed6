// npm start [-- arguments]: runs the example application, which the arguments go to.
import { join } from 'node:path'
import { root, run, setUp } from './setup.mjs'

const env = setUp({ build: '@annals/example-orders' })
const main = join(root, 'examples', 'orders', 'dist', 'main.js')
process.exitCode = await run(process.execPath, [main, ...process.argv.slice(2)], { env })
