import { registerConformance } from '@annals/conformance/vitest'
import { dynamoDbHarness } from './support/harness.js'

registerConformance(await dynamoDbHarness())
