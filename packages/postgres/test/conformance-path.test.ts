import { registerConformance } from '@annals/conformance/vitest'
import { availablePostgres } from '@annals/test-servers'
import { test } from 'vitest'
import { harnesses } from './harness.js'

// A second PostgreSQL, usually of another version, where one is installed. npm's is always examined.
const offers = await availablePostgres()
if (offers.some(({ source }) => source === 'path')) {
  registerConformance(await harnesses.path())
} else {
  test('no PostgreSQL is on the PATH, so npm’s alone is examined (apt-get install postgresql gives another)', () => {})
}
