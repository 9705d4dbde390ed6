import { type Filter, matchesFilter, type Position, type StoreDriver } from '@annals/core'
import { type Defects, driving, mapped } from './defect.js'

export const filterAndPositionDefects: Defects = {
  'category-is-a-prefix': driving((inner) =>
    filtering(inner, (filter, e) => {
      const { categories, ...rest } = filter
      return (
        matchesFilter(rest, e) && (!categories || categories.some((c) => e.streamId.startsWith(c)))
      )
    }),
  ),

  'prefix-is-a-pattern': driving((inner) =>
    filtering(inner, (filter, e) => {
      const { streamPrefixes, ...rest } = filter
      const like = (prefix: string) =>
        new RegExp(
          `^${prefix
            .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
            .replaceAll('%', '.*')
            .replaceAll('_', '.')}`,
        ).test(e.streamId)
      return matchesFilter(rest, e) && (!streamPrefixes || streamPrefixes.some(like))
    }),
  ),

  'prefix-ends-at-ffff': driving((inner) =>
    filtering(inner, (filter, e) => {
      const { streamPrefixes, ...rest } = filter
      // The bytes of UTF-8 stand in the order of code points.
      const below = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0
      const between = (prefix: string) =>
        !below(e.streamId, prefix) && below(e.streamId, `${prefix}\uffff`)
      return matchesFilter(rest, e) && (!streamPrefixes || streamPrefixes.some(between))
    }),
  ),

  'prefix-in-code-units': driving((inner) =>
    filtering(inner, (filter, e) => {
      const { streamPrefixes, ...rest } = filter
      const between = (prefix: string) =>
        e.streamId >= prefix && e.streamId < `${prefix}\u{10ffff}\u{10ffff}`
      return matchesFilter(rest, e) && (!streamPrefixes || streamPrefixes.some(between))
    }),
  ),

  'lists-of-a-thousand': driving((inner) =>
    filtering(inner, ({ categories, streamPrefixes, types }, e) =>
      matchesFilter(
        {
          categories: categories?.slice(0, 1000),
          streamPrefixes: streamPrefixes?.slice(0, 1000),
          types: types?.slice(0, 1000),
        },
        e,
      ),
    ),
  ),

  'types-in-any-case': driving((inner) =>
    filtering(inner, (filter, e) => {
      const { types, ...rest } = filter
      const same = (type: string) => type.toLowerCase() === e.type.toLowerCase()
      return matchesFilter(rest, e) && (!types || types.some(same))
    }),
  ),

  'limits-then-filters': driving((inner) => ({
    readAll: ({ filter, ...query }) =>
      mapped(inner.readAll({ ...query, filter: null }), (batch) => ({
        ...batch,
        events: batch.events.filter((e) => matchesFilter(filter, e)),
      })),
  })),

  'backwards-includes-after': driving((inner) => ({
    readAll: (query) =>
      inner.readAll(
        query.direction === 'backwards' && query.after !== null
          ? { ...query, after: padded(Number(query.after.slice('mem1-'.length)) + 1) }
          : query,
      ),
  })),

  'positions-without-padding': driving((inner) => {
    const shown = (position: Position) => position.replace(/-0+(?=\d)/, '-')
    const told = (position: Position) => padded(Number(position.slice('mem1-'.length)))
    return {
      positionPattern: /^mem1-\d+$/,
      origin: shown(inner.origin),
      async append(request, signal) {
        const result = await inner.append(request, signal)
        return { ...result, position: shown(result.position) }
      },
      readStream: (query) =>
        mapped(inner.readStream(query), (batch) =>
          batch.map((e) => ({ ...e, position: shown(e.position) })),
        ),
      readAll: (query) =>
        mapped(
          inner.readAll({ ...query, after: query.after === null ? null : told(query.after) }),
          (batch) => ({
            ...batch,
            events: batch.events.map((e) => ({ ...e, position: shown(e.position) })),
            scannedTo: shown(batch.scannedTo),
          }),
        ),
      async headPosition(signal) {
        const head = await inner.headPosition(signal)
        return head === null ? null : shown(head)
      },
    }
  }),

  'takes-any-position': driving(() => ({ positionPattern: /^/ })),

  'origin-is-the-first-event': driving((inner) => ({
    origin: padded(1),
    readAll: (query) =>
      mapped(inner.readAll(query), (batch) => ({
        ...batch,
        scannedTo: batch.scannedTo === inner.origin ? padded(1) : batch.scannedTo,
      })),
  })),
}

function padded(place: number): Position {
  return `mem1-${place.toString().padStart(16, '0')}`
}

function filtering(
  inner: StoreDriver,
  passes: (filter: Filter, event: { streamId: string; type: string }) => boolean,
): Partial<StoreDriver> {
  return {
    async *readAll({ filter, limit, ...query }) {
      let left = limit
      for await (const batch of inner.readAll({
        ...query,
        filter: null,
        limit: Number.POSITIVE_INFINITY,
      })) {
        const events = batch.events
          .filter((e) => filter === null || passes(filter, e))
          .slice(0, left)
        left -= events.length
        const last = events.at(-1)
        const full = left <= 0
        yield full && last
          ? { events, scannedTo: last.position, atHead: false }
          : { ...batch, events }
        if (full) return
      }
    },
  }
}
