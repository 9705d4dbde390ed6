import type { Words } from './language.js'

/** A test a case, with the test runner that is there. */
export function testSkeleton({ imported }: Words, runner: 'vitest' | 'node-test'): string {
  return `import { registerConformance } from '@annals/conformance/${runner}'
import { harness } from './harness${imported}'

// One test a case. What is not proven is a skipped test that says why.
registerConformance(harness)
`
}
