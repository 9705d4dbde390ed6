// Paging through the aggregates of Castore's PostgreSQL adapter leaves out those that began in the same millisecond as
// the last one of a page, and the limit is lost after the second page.
import { randomUUID } from 'node:crypto'
import { castoreStore, postgresAdapter } from '../src/support/castore.js'
import { show } from '../src/support/show.js'

await show('pages of 4, each of the 20 aggregates on one of them', async () => {
  const store = castoreStore(await postgresAdapter())
  const ids = Array.from({ length: 20 }, () => randomUUID())
  // Two aggregates in each millisecond, as imports and busy services make them.
  for (const [i, aggregateId] of ids.entries()) {
    const timestamp = new Date(Date.UTC(2026, 0, 1) + Math.floor((i + 1) / 2)).toISOString()
    await store.pushEvent({ aggregateId, version: 1, type: 'NOTED', payload: {}, timestamp })
  }
  const pages: string[][] = []
  let { aggregateIds, nextPageToken } = await store.listAggregateIds({ limit: 4 })
  pages.push(aggregateIds.map((a) => a.aggregateId))
  while (nextPageToken !== undefined) {
    const page = await store.listAggregateIds({ pageToken: nextPageToken })
    ;({ aggregateIds, nextPageToken } = page)
    pages.push(aggregateIds.map((a) => a.aggregateId))
  }
  const listed = new Set(pages.flat())
  const left = ids.filter((id) => !listed.has(id)).length
  return {
    shown: left > 0 && pages.some((page) => page.length > 4),
    observed: `pages of ${pages.map((p) => p.length).join(', ')}; ${left} aggregates on none of them`,
  }
})
