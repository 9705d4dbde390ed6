import { afterAll, describe, it } from 'vitest'
import type { Harness } from './harness.js'
import { registerWith } from './register.js'
import type { ConformanceOptions } from './run.js'

/** Registers the suite with vitest: one test a case, what is not proven as a skipped test that says why. */
export function registerConformance(harness: Harness, options: ConformanceOptions = {}): void {
  registerWith(
    {
      describe: (name, body) => {
        describe(name, body)
      },
      it: (name, body, timeout) => {
        it(name, body, timeout)
      },
      skip: (name) => {
        it.skip(name, () => {})
      },
      afterAll: (body) => {
        afterAll(body)
      },
    },
    harness,
    options,
  )
}
