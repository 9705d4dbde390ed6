import { appendDefects } from './append.js'
import type { Defects } from './defect.js'
import { expectationDefects } from './expectations.js'
import { filterAndPositionDefects } from './filters-and-positions.js'
import { idempotencyDefects } from './idempotency.js'
import { keepDefects } from './keep.js'
import { lifeDefects } from './life.js'
import { multiDefects } from './multi.js'
import { orderDefects } from './order.js'
import { pageDefects } from './pages.js'
import { readDefects } from './read.js'
import { subscribeDefects } from './subscribe.js'

/** Every mutant by its name; src/mutants.ts says which rule each breaks, and how. */
export const defects: Defects = {
  ...appendDefects,
  ...expectationDefects,
  ...idempotencyDefects,
  ...multiDefects,
  ...readDefects,
  ...pageDefects,
  ...orderDefects,
  ...filterAndPositionDefects,
  ...subscribeDefects,
  ...keepDefects,
  ...lifeDefects,
}
