import { registerConformance } from '@annals/conformance/vitest'
import { kurrentDbHarness } from './support/harness.js'
import { startStandIn } from './support/servers.js'

// What newer servers do otherwise: appends to several streams, and where a subscription says that it has caught up.
registerConformance(kurrentDbHarness(await startStandIn('26.1.0')), {
  rules: [
    'MULTI-1',
    'CAP-1',
    'SUB-1',
    'SUB-2',
    'SUB-5',
    'APPEND-2',
    'IDEM-1',
    'EXPECT-4',
    'LIMIT-1',
  ],
})
