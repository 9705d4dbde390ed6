import { memoryHarness } from '../src/index.js'
import { registerConformance } from '../src/vitest.js'
import { oddballs } from './oddballs/oddballs.js'

// Healthy stores that go about it in other ways than the memory store: a case that fails here asks for too much.
for (const [name, options] of Object.entries(oddballs))
  registerConformance(memoryHarness({ ...options, name, playServer: true }), {
    model: { runs: 10 },
  })
