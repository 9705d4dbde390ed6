import { registerConformance } from '@annals/conformance/vitest'
import { kurrentDbHarness } from './support/harness.js'
import { startStandIn } from './support/servers.js'

registerConformance(kurrentDbHarness(await startStandIn()))
