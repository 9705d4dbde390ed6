import { registerConformance } from '@annals/conformance/vitest'
import { kurrentDbHarness } from './support/harness.js'
import { noServer } from './support/no-server.js'
import { startReal } from './support/servers.js'

const server = await startReal()
// The whole suite runs on disk, and on the stand-in; a server in memory differs in little but that it can't be restarted.
if (server) registerConformance(kurrentDbHarness(server), { level: 'quick' })
else noServer()
