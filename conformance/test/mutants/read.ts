import { type StoreDriver, type StoredEvent, UnavailableError } from '@annals/core'
import { clientSide, type Defects, driving, mapped } from './defect.js'

export const readDefects: Defects = {
  'backwards-is-exclusive': driving((inner) => ({
    readStream: (query) =>
      inner.readStream(
        query.direction === 'backwards' && query.fromVersion !== undefined
          ? { ...query, fromVersion: query.fromVersion - 1 }
          : query,
      ),
  })),

  'loses-at-the-page-boundary': driving((inner) => ({
    readStream: (query) =>
      mapped(inner.readStream(query), (batch, i) => (i === 0 ? batch : batch.slice(1))),
  })),

  'nothing-from-beyond-the-end': driving((inner) => ({
    async *readStream(query) {
      const { fromVersion, direction } = query
      if (direction === 'backwards' && fromVersion !== undefined)
        if (fromVersion > (await inner.streamVersion(query.streamId, query.signal))) return
      yield* inner.readStream(query)
    },
  })),

  'reads-from-its-cache': driving((inner) => {
    const versions = new Map<string, number>()
    return {
      async append(request, signal) {
        const result = await inner.append(request, signal)
        versions.delete(request.streamId)
        return result
      },
      async *readStream(query) {
        const known =
          versions.get(query.streamId) ?? (await inner.streamVersion(query.streamId, query.signal))
        versions.set(query.streamId, known)
        for await (const batch of inner.readStream(query)) {
          const part = batch.filter((event) => event.version <= known)
          if (part.length > 0) yield part
        }
      },
    }
  }),

  'loads-everything-first': clientSide((inner) => ({
    async *readStream(query) {
      const batches: (readonly StoredEvent[])[] = []
      for await (const batch of inner.readStream(query)) batches.push(batch)
      yield* batches
    },
  })),

  'keeps-the-connection-of-who-leaves': clientSide((inner) => {
    let free = 10
    return {
      async *readStream(query) {
        if (free === 0) throw new UnavailableError('no free connection')
        free--
        yield* inner.readStream(query)
        free++
      },
    }
  }),

  'drops-nul': driving((inner) => ({
    append: (request, signal) =>
      inner.append({ ...request, events: request.events.map(withoutNul) }, signal),
  })),

  'bytes-come-back-as-text': driving((inner) => ({
    readStream: (query) =>
      mapped(inner.readStream(query), (batch) =>
        batch.map((event) =>
          typeof event.data === 'string'
            ? event
            : { ...event, data: JSON.stringify(Buffer.from(event.data).toString('base64')) },
        ),
      ),
  })),

  'gives-out-its-own-bytes': driving((inner, { database }) => ({
    readStream: (query) =>
      mapped(inner.readStream(query), (batch) =>
        batch.map(
          (event) => database.streams.get(event.streamId)?.events[event.version - 1] ?? event,
        ),
      ),
  })),

  'recorded-in-1970': driving((inner) => recorded(inner, (at) => new Date(at.getTime() / 1000))),

  'recorded-when-it-is-read': driving((inner) => recorded(inner, () => new Date())),
}

function recorded(inner: StoreDriver, time: (at: Date) => Date): Partial<StoreDriver> {
  const changed = (events: readonly StoredEvent[]) =>
    events.map((event) => ({ ...event, recordedAt: time(event.recordedAt) }))
  return {
    readStream: (query) => mapped(inner.readStream(query), changed),
    readAll: (query) =>
      mapped(inner.readAll(query), (batch) => ({ ...batch, events: changed(batch.events) })),
  }
}

function withoutNul<E extends { readonly data: string | Uint8Array }>(event: E): E {
  if (typeof event.data !== 'string') return event
  const strip = (_: string, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\u0000', '') : value
  return { ...event, data: JSON.stringify(JSON.parse(event.data), strip) }
}
