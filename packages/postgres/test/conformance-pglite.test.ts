import { registerConformance } from '@annals/conformance/vitest'
import { harnesses } from './harness.js'

registerConformance(await harnesses.pglite())
