import {
  type AllBatch,
  type AllQuery,
  matchesFilter,
  type StoreDriver,
  type StoredEvent,
} from '@annals/core'
import { type Defects, driving, mapped } from './defect.js'

const windowEvents = 2_000
const pageBytes = 1024 * 1024

export const pageDefects: Defects = {
  'loses-where-windows-meet': driving((inner) => ({
    readAll: (query) =>
      query.filter !== null && query.direction === 'backwards'
        ? selected(
            query,
            mapped(windows(inner, query), (window, i) =>
              i === 0 ? window : { ...window, events: window.events.slice(1) },
            ),
          )
        : inner.readAll(query),
  })),

  'empty-window-is-the-end': driving((inner) => ({
    async *readAll(query) {
      for await (const batch of selected(query, windows(inner, query))) {
        const atHead = batch.atHead || batch.events.length === 0
        yield { ...batch, atHead }
        if (atHead) return
      }
    },
  })),

  'goes-on-behind-the-uncut-page': driving((inner) => ({
    readStream: (query) => mapped(inner.readStream(query), cut),
  })),

  'cut-page-is-the-end': driving((inner) => ({
    async *readAll(query) {
      for await (const batch of inner.readAll(query)) {
        const events = cut(batch.events)
        const last = events.at(-1)
        const whole = events.length === batch.events.length || !last
        yield whole ? batch : { events, scannedTo: last.position, atHead: true }
        if (!whole) return
      }
    },
  })),
}

/** What of a page is not more than a MiB, at least one event. */
function cut(events: readonly StoredEvent[]): readonly StoredEvent[] {
  let bytes = 0
  return events.filter(({ data }, i) => {
    bytes += data.length
    return i === 0 || bytes <= pageBytes
  })
}

/** Reads of all in windows of so many events, before filter and limit. */
async function* windows(inner: StoreDriver, query: AllQuery): AsyncGenerator<AllBatch> {
  let events: StoredEvent[] = []
  for await (const batch of inner.readAll({ ...query, filter: null, limit: Infinity })) {
    for (const event of batch.events) {
      events.push(event)
      if (events.length < windowEvents) continue
      yield { events, scannedTo: event.position, atHead: false }
      events = []
    }
    if (batch.atHead) yield { ...batch, events }
  }
}

async function* selected(
  { filter, limit }: AllQuery,
  source: AsyncIterable<AllBatch>,
): AsyncGenerator<AllBatch> {
  let left = limit
  for await (const batch of source) {
    const events = batch.events.filter((e) => matchesFilter(filter, e)).slice(0, left)
    left -= events.length
    const last = events.at(-1)
    yield left === 0 && last
      ? { events, scannedTo: last.position, atHead: false }
      : { ...batch, events }
    if (left === 0) return
  }
}
