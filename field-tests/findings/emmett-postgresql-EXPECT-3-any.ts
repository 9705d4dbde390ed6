// Parallel appends without an expectation to one stream of Emmett's PostgreSQL store fail with a version conflict.
import { NO_CONCURRENCY_CHECK } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { emptyDatabase } from '../src/support/postgres.js'
import { show, told } from '../src/support/show.js'

await show('all of 20 parallel appends without a concurrency check succeed', async () => {
  const store = getPostgreSQLEventStore(await emptyDatabase())
  await store.appendToStream('log-1', [{ type: 'Begun', data: {} }])
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) =>
      store.appendToStream('log-1', [{ type: 'Noted', data: { n } }], {
        expectedStreamVersion: NO_CONCURRENCY_CHECK,
      }),
    ),
  )
  await store.close()
  const refused = results.filter((r) => r.status === 'rejected')
  return {
    shown: refused.length > 0,
    observed: `${refused.length} failed${refused[0] ? `, e.g. with ${told(refused[0].reason)}` : ''}`,
  }
})
