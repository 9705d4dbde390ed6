import type { AllBatch, AllQuery, StoreDriver } from '@annals/core'
import { ConnectionLost } from '../../src/memory-connection.js'
import { type Defects, driving, shared, stored, turns } from './defect.js'
import { orderedByTicket } from './ticket-order.js'

const inFlight = shared(() => new Map<symbol, number>())
const index = shared(() => ({ visible: 0, behind: Promise.resolve() }))
const stalled = shared(() => ({ at: Number.POSITIVE_INFINITY }))

export const orderDefects: Defects = {
  'backwards-by-time': driving((inner) => ({
    async *readAll(query) {
      for await (const batch of inner.readAll(query))
        if (query.direction === 'forwards') yield batch
        else
          yield {
            ...batch,
            events: [...batch.events].sort(
              (a, b) =>
                b.recordedAt.getTime() - a.recordedAt.getTime() ||
                (a.streamId < b.streamId ? -1 : a.streamId > b.streamId ? 1 : 0),
            ),
          }
    },
  })),

  'position-drawn-before-the-lock': driving((inner, world) =>
    orderedByTicket(
      inner,
      world,
      (next) => next(),
      (ticket) => turns(ticket % 2 === 0 ? 3 : 0),
    ),
  ),

  'numbers-in-blocks': driving((inner, world) => {
    // Each process takes twenty numbers at once, as a sequence with a cache does.
    let block = 0
    let left = 0
    return orderedByTicket(inner, world, (next) => {
      if (left === 0) {
        block = next()
        left = 20
        for (let i = 1; i < 20; i++) next()
      }
      return block + 20 - left--
    })
  }),

  'number-before-commit': driving((inner, world) =>
    orderedByTicket(inner, world, (next) => next()),
  ),

  'dead-writer-holds-the-frontier': driving((inner, world) => {
    const writers = inFlight(world)
    return {
      async append(request, signal) {
        const me = Symbol()
        writers.set(me, stored(world).length)
        try {
          return await inner.append(request, signal).finally(() => undefined)
        } catch (error) {
          if (error instanceof ConnectionLost && error.final) writers.set(me, -1)
          throw error
        } finally {
          if (writers.get(me) !== -1) writers.delete(me)
          else writers.set(me, stored(world).length)
        }
      },
      ...upTo(inner, () => Math.min(Number.POSITIVE_INFINITY, ...writers.values())),
    }
  }),

  'order-lags-behind': driving((inner, world) => {
    const state = index(world)
    return {
      async append(request, signal) {
        const result = await inner.append(request, signal)
        const length = stored(world).length
        // One append after another: with one writer nobody sees it, with twelve at once it is late.
        state.behind = state.behind.then(async () => {
          await turns(1)
          state.visible = Math.max(state.visible, length)
        })
        return result
      },
      ...upTo(inner, () => state.visible),
    }
  }),

  'waits-for-foreign-transactions': driving((inner, world) => {
    const state = stalled(world)
    const frontier = () => {
      if (world.foreignTransactions === 0) state.at = Number.POSITIVE_INFINITY
      else if (state.at === Number.POSITIVE_INFINITY) state.at = stored(world).length
      return state.at
    }
    return {
      append(request, signal) {
        frontier()
        return inner.append(request, signal)
      },
      ...upTo(inner, frontier),
    }
  }),
}

/** Readers of all see only the first events, up to a place that moves. */
function upTo(inner: StoreDriver, count: () => number): Partial<StoreDriver> {
  const placeOf = (position: string) => Number(position.slice('mem1-'.length))
  const positionOf = (place: number) => `mem1-${place.toString().padStart(16, '0')}`
  return {
    async *readAll(query: AllQuery): AsyncGenerator<AllBatch> {
      const end = count()
      for await (const batch of inner.readAll(query)) {
        const scanned = placeOf(batch.scannedTo)
        const past = query.direction === 'forwards' && scanned >= end
        yield {
          events: batch.events.filter((e) => placeOf(e.position) <= end),
          scannedTo: past
            ? positionOf(Math.max(end, query.after === null ? 0 : placeOf(query.after)))
            : batch.scannedTo,
          atHead: past || batch.atHead,
        }
        if (past) return
      }
    },
    async headPosition(signal) {
      const head = await inner.headPosition(signal)
      if (head === null) return null
      const place = Math.min(placeOf(head), count())
      return place === 0 ? null : positionOf(place)
    },
  }
}
