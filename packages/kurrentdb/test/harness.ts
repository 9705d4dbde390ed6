import { kurrentDbHarness } from './support/harness.js'
import { startReal, startStandIn } from './support/servers.js'

/** For `pnpm conformance`: a real server on disk where one is to be had, and the stand-in, which says that it is one. */
export default [
  async () => {
    const server = await startReal(true)
    if (!server) throw new Error('no KurrentDB or EventStoreDB is to be had here')
    return kurrentDbHarness(server)
  },
  async () => kurrentDbHarness(await startStandIn()),
]
