// Compiled and run against the packed package: see scripts/pack-test.mjs.
import assert from 'node:assert/strict'
import { memoryHarness, runConformance } from '@annals/conformance'

const report = await runConformance(memoryHarness(), { level: 'quick', model: false })
assert.deepEqual(
  report.results.filter(({ outcome }) => outcome === 'failed'),
  [],
)
assert.ok(report.results.length > 0)
console.log('ok')
