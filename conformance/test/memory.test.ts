import { memoryHarness } from '../src/index.js'
import { registerConformance } from '../src/vitest.js'

registerConformance(memoryHarness())
// Every case runs somewhere, also those whose hooks only a database server can offer.
registerConformance(memoryHarness({ playServer: true }))
