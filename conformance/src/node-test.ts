import { after, describe, it } from 'node:test'
import type { Harness } from './harness.js'
import { registerWith } from './register.js'
import type { ConformanceOptions } from './run.js'

/** Registers the suite with node:test: one test a case, what is not proven as a skipped test that says why. */
export function registerConformance(harness: Harness, options: ConformanceOptions = {}): void {
  registerWith(
    {
      describe: (name, body) => {
        describe(name, body)
      },
      it: (name, body, timeout) => {
        it(name, { timeout }, body)
      },
      skip: (name) => {
        it(name, { skip: true }, () => {})
      },
      afterAll: (body) => {
        after(body)
      },
    },
    harness,
    options,
  )
}
