import { setTimeout as pause } from 'node:timers/promises'
import { type EventStore, isEventStoreError, type NewEvent, type Position } from '@annals/core'
import { postgresStore } from '@annals/postgres'
import type { Pool } from 'pg'
import { Conflict, type Contestant, type ContestantKind, type Fact } from './contestant.js'
import { installedVersion } from './installed-version.js'

const asEvent = ({ type, data, metadata }: Fact): NewEvent => ({ type, data, metadata })

export const annals: ContestantKind = {
  name: 'Annals',
  setting: `@annals/postgres ${installedVersion('@annals/postgres')} on a pg pool, all options at their defaults`,
  open: (_url, newPool) => open('Annals', newPool, () => newPool(4)),
}

/** The subscriber is the store that appends. */
export const annalsSameStore: ContestantKind = {
  name: 'Annals, same store',
  setting: 'the subscriber is the store that appends',
  open: (_url, newPool) => open('Annals, same store', newPool, undefined),
}

/** As four processes would write: each store has a pool and knows nothing of the others. */
export const annalsFourStores: ContestantKind = {
  name: 'Annals, four stores',
  setting: 'each append goes to the next of four stores, which share nothing but the database',
  open: async (_url, newPool) => {
    const stores = await Promise.all(
      Array.from({ length: 4 }, () => open('Annals, four stores', () => newPool(8), undefined)),
    )
    let next = 0
    return {
      ...stores[0]!,
      append: (...append) => stores[next++ % stores.length]!.append(...append),
      close: async () => {
        for (const store of stores) await store.close()
      },
    }
  },
}

async function open(
  name: string,
  newPool: (size?: number) => Pool,
  subscriberPool: (() => Pool) | undefined,
): Promise<Contestant> {
  const pool = newPool()
  const store = postgresStore({ pool })
  await store.migrate()
  // Where pages can begin: the ends of some of the appends.
  const places: Position[] = []
  let appendCount = 0
  return {
    name,
    append: async (streamId, expectedVersion, facts) => {
      try {
        const { position } = await store.append(streamId, facts.map(asEvent), { expectedVersion })
        if (facts.length > 1 || appendCount++ % 100 === 0) places.push(position)
      } catch (error) {
        if (!isEventStoreError(error, 'WRONG_EXPECTED_VERSION')) throw error
        throw new Conflict(error, error.actual)
      }
    },
    version: (streamId) => store.streamVersion(streamId),
    readStream: async (streamId) => (await store.readStream(streamId).toArray()).length,
    readAll: async () => {
      let read = 0
      for await (const batch of store.readAll().batches()) read += batch.length
      return read
    },
    readAllOneByOne: async () => {
      let read = 0
      for await (const event of store.readAll()) read += event.version > 0 ? 1 : 0
      return read
    },
    readStreamPage: async (streamId, fromVersion, limit) =>
      (await store.readStream(streamId, { fromVersion, limit }).toArray()).length,
    readAllPage: async (share, limit) => {
      const after = places[Math.floor(share * places.length) - 1]
      return (await store.readAll({ ...(after === undefined ? {} : { after }), limit }).toArray())
        .length
    },
    subscribe: async (onEvent) => {
      const pool = subscriberPool?.()
      return subscribe(pool === undefined ? store : postgresStore({ pool }), onEvent, pool)
    },
    settle: () => pool.query('vacuum (analyze)'),
    close: async () => {
      await store.close()
      await pool.end()
    },
  }
}

async function subscribe(
  store: EventStore,
  onEvent: (data: unknown) => void,
  ownPool: Pool | undefined,
) {
  const ending = new AbortController()
  let caughtUp = () => {}
  const live = new Promise<void>((resolve) => {
    caughtUp = resolve
  })
  const ended = (async () => {
    for await (const message of store.subscribeToAll({ after: 'end', signal: ending.signal })) {
      if (message.kind === 'event') onEvent(message.event.data)
      else caughtUp()
    }
  })().catch((error: unknown) => {
    if (!ending.signal.aborted) throw error
  })
  await Promise.race([live, ended, pause(10_000, undefined, { ref: false })])
  return {
    stop: async () => {
      ending.abort()
      await ended
      if (ownPool !== undefined) {
        await store.close()
        await ownPool.end()
      }
    },
  }
}
