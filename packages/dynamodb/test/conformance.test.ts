import { allCases } from '@annals/conformance'
import { registerConformance } from '@annals/conformance/vitest'
import { dynamoDbHarness } from './support/harness.js'

// A server that keeps its tables on disk is slow, and only the cases that restart it need one.
const restarting = allCases.filter((each) => each.hooks?.includes('restartServer'))
const others = allCases.filter((each) => !restarting.includes(each))

registerConformance(await dynamoDbHarness('in memory'), { cases: others.map((each) => each.id) })
registerConformance(await dynamoDbHarness('on disk'), {
  cases: restarting.map((each) => each.id),
  model: false,
})
