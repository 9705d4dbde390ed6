import type { AllBatch, Position, StoreDriver, StoredEvent } from '@annals/core'
import { matchesFilter } from '@annals/core'
import type { MemoryWorld } from '../../src/index.js'
import { shared } from './defect.js'

const tickets = shared(() => ({ next: 1, of: new Map<string, number>() }))

function key(event: { readonly streamId: string; readonly id: string }): string {
  return `${event.streamId} ${event.id}`
}

function position(ticket: number, index: number): Position {
  return `mem1-${(ticket * 1000 + index).toString().padStart(16, '0')}`
}

/**
 * The global order by a number that an append draws by itself, apart from the commit, as a database sequence gives it:
 * the mistake behind most event stores that lose events.
 */
export function orderedByTicket(
  inner: StoreDriver,
  world: MemoryWorld,
  draw: (next: () => number) => number,
  beforeWriting: (ticket: number) => Promise<void> = async () => {},
): Partial<StoreDriver> {
  const state = tickets(world)
  const shown = (event: StoredEvent): StoredEvent => ({
    ...event,
    position: position(state.of.get(key(event)) ?? 0, event.version % 1000),
  })
  const all = () =>
    world.database.events.map(shown).sort((a, b) => (a.position < b.position ? -1 : 1))
  return {
    async append(request, signal) {
      const ticket = draw(() => state.next++)
      await beforeWriting(ticket)
      const { streamId } = request
      const mine = request.events.filter((e) => !state.of.has(key({ streamId, id: e.id })))
      for (const { id } of mine) state.of.set(key({ streamId, id }), ticket)
      try {
        const { version } = await inner.append(request, signal)
        const last = world.database.streams.get(streamId)?.events[version - 1]
        return { version, position: last ? shown(last).position : '' }
      } catch (error) {
        for (const { id } of mine) state.of.delete(key({ streamId, id }))
        throw error
      }
    },
    async *readStream(query) {
      for await (const batch of inner.readStream(query)) yield batch.map(shown)
    },
    async *readAll({ direction, after, limit, filter }): AsyncGenerator<AllBatch> {
      const forwards = direction === 'forwards'
      const part = all().filter(
        (e) => after === null || (forwards ? e.position > after : e.position < after),
      )
      if (!forwards) part.reverse()
      const events = part.filter((e) => matchesFilter(filter, e)).slice(0, limit)
      const last = events.length < limit ? part.at(-1) : events.at(-1)
      yield { events, scannedTo: last?.position ?? after ?? inner.origin, atHead: true }
    },
    async headPosition() {
      return all().at(-1)?.position ?? null
    },
  }
}
