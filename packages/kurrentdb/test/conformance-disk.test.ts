import { registerConformance } from '@annals/conformance/vitest'
import { kurrentDbHarness } from './support/harness.js'
import { noServer } from './support/no-server.js'
import { startReal } from './support/servers.js'

const server = await startReal(true)
if (server) registerConformance(kurrentDbHarness(server))
else noServer()
