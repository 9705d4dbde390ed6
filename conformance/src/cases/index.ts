import type { ConformanceCase } from '../case.js'
import { appendCases } from './append.js'
import { capabilityCases } from './capabilities.js'
import { checkpointCases } from './checkpoints.js'
import { errorCases } from './errors.js'
import { expectedVersionCases } from './expected-version.js'
import { filterEdgeCases } from './filter-edges.js'
import { filterCases } from './filters.js'
import { globalOrderCases } from './global-order.js'
import { idempotencyCases } from './idempotency.js'
import { largeEventCases } from './large-events.js'
import { lifecycleCases } from './lifecycle.js'
import { limitCases } from './limits.js'
import { multiCases } from './multi.js'
import { positionCases } from './positions.js'
import { readCases } from './read.js'
import { forgottenConnectionCases, lateCases, silenceCases } from './slow-connections.js'
import { snapshotCases } from './snapshots.js'
import { statementCases } from './statements.js'
import { subscribeCases } from './subscribe.js'
import { uncommittedCases } from './uncommitted.js'
import { unsubscribeCases } from './unsubscribe.js'

/** Every case, in the order of the contract. */
export const allCases: readonly ConformanceCase[] = [
  ...appendCases,
  ...uncommittedCases,
  ...expectedVersionCases,
  ...idempotencyCases,
  ...lateCases,
  ...multiCases,
  ...readCases,
  ...largeEventCases,
  ...globalOrderCases,
  ...filterCases,
  ...filterEdgeCases,
  ...positionCases,
  ...subscribeCases,
  ...forgottenConnectionCases,
  ...unsubscribeCases,
  ...checkpointCases,
  ...snapshotCases,
  ...limitCases,
  ...errorCases,
  ...silenceCases,
  ...statementCases,
  ...lifecycleCases,
  ...capabilityCases,
]
