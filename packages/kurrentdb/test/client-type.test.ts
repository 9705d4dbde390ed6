import type { KurrentDBClient } from '@kurrent/kurrentdb-client'
import { expectTypeOf, test } from 'vitest'
import type { KurrentDbClient } from '../src/index.js'

test('the official client is one that the store takes', () => {
  expectTypeOf<KurrentDBClient>().toExtend<KurrentDbClient>()
})
