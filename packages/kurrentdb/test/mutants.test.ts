import { runConformance } from '@annals/conformance'
import {
  type AllBatch,
  type Filter,
  isEventStoreError,
  type StoreDriver,
  type StoredEvent,
  WrongExpectedVersionError,
} from '@annals/core'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { Names } from '../src/names.js'
import { kurrentDbHarness, type Mutate } from './support/harness.js'
import { startStandIn } from './support/servers.js'

/** Stores that are wrong in one way each; the suite must find every one of them. */
interface Mutant {
  readonly name: string
  readonly mutate?: Mutate
  /** Changes the adapter's code itself. */
  readonly patch?: () => void
  /** Where the suite must see it. */
  readonly cases: readonly string[]
}

const mutants: readonly Mutant[] = [
  {
    name: 'loses the first page when a subscription resumes',
    cases: ['SUB-5/every-position'],
    mutate: (inner) =>
      changed(inner, {
        tailAll: async function* (query) {
          let lost = query.after === null
          for await (const batch of inner.tailAll!(query)) {
            const drop = !lost && batch.events.length > 0
            lost ||= drop
            yield drop ? { ...batch, events: [] } : batch
          }
        },
      }),
  },
  {
    name: 'gives an event twice when a subscription resumes',
    cases: ['SUB-4/outage'],
    mutate: (inner) => {
      let last: StoredEvent | undefined
      return changed(inner, {
        tailAll: async function* (query) {
          if (last && last.position === query.after)
            yield { events: [last], scannedTo: query.after, atHead: false }
          for await (const batch of inner.tailAll!(query)) {
            last = batch.events.at(-1) ?? last
            yield batch
          }
        },
      })
    },
  },
  {
    name: "lets the server's and its own streams through",
    cases: ['ALL-8/empty-store'],
    patch: () => {
      vi.spyOn(Names.prototype, 'serverFilter').mockReturnValue({
        filterOn: 'streamName',
        regex: '^',
      })
      vi.spyOn(Names.prototype, 'toId').mockImplementation((name) => name)
    },
  },
  {
    name: 'has versions that are one too low in what it reads',
    cases: ['READ-1/every-boundary'],
    mutate: (inner) =>
      changed(inner, {
        readStream: async function* (query) {
          for await (const events of inner.readStream(query))
            yield events.map((event) => ({ ...event, version: event.version - 1 }))
        },
      }),
  },
  {
    name: 'has versions that are one too low in what append returns',
    cases: ['APPEND-5/last-event'],
    mutate: (inner) =>
      changed(inner, {
        append: async (request, signal) => {
          const result = await inner.append(request, signal)
          return { ...result, version: result.version - 1 }
        },
      }),
  },
  {
    name: 'takes OrderItem- for the category Order',
    cases: ['ALL-7/every-shape'],
    patch: () => {
      const asPrefixes = (filter: Filter | null): Filter | null =>
        filter?.categories
          ? { ...filter, categories: undefined, streamPrefixes: filter.categories }
          : filter
      const { serverFilter, passes } = Names.prototype
      vi.spyOn(Names.prototype, 'serverFilter').mockImplementation(function (this: Names, filter) {
        return serverFilter.call(this, asPrefixes(filter))
      })
      vi.spyOn(Names.prototype, 'passes').mockImplementation(function (
        this: Names,
        filter: Filter | null,
        streamId: string | null,
        type: string,
      ) {
        return passes.call(this, asPrefixes(filter), streamId, type)
      } as never)
    },
  },
  {
    name: 'reports an outage as a conflict',
    cases: ['EXPECT-4/outage'],
    mutate: (inner) =>
      changed(inner, {
        append: async (request, signal) => {
          try {
            return await inner.append(request, signal)
          } catch (error) {
            if (isEventStoreError(error)) throw error
            throw new WrongExpectedVersionError(request.streamId, request.expected, 0)
          }
        },
      }),
  },
  {
    name: 'reports a repeat as a conflict',
    cases: ['IDEM-1/repeat'],
    mutate: (inner) =>
      changed(inner, {
        append: async (request, signal) => {
          const version = await inner.streamVersion(request.streamId, signal)
          if (typeof request.expected === 'number' && request.expected !== version)
            throw new WrongExpectedVersionError(request.streamId, request.expected, version)
          return inner.append(request, signal)
        },
      }),
  },
  {
    name: 'repeats an append whose answer was lost under new ids',
    cases: ['APPEND-4/cut-connections', 'ERR-2/cut-in-a-crowd', 'IDEM-4/callers-retry'],
    mutate: (inner) =>
      changed(inner, {
        append: (request, signal) =>
          inner.append(
            {
              ...request,
              events: request.events.map((event) => ({ ...event, id: crypto.randomUUID() })),
            },
            signal,
          ),
      }),
  },
  {
    name: 'goes past the limit and skips what lies behind a page',
    cases: ['ALL-7/limits-and-starts'],
    mutate: (inner) =>
      changed(inner, {
        readAll: async function* (query) {
          let dropped = false
          for await (const batch of inner.readAll(query)) {
            const events: AllBatch['events'] = dropped ? batch.events : batch.events.slice(1)
            dropped ||= batch.events.length > 0
            yield { ...batch, events }
          }
        },
      }),
  },
]

/** The driver with some of its methods changed; the others stay its own. */
function changed(inner: StoreDriver, methods: Partial<StoreDriver>): StoreDriver {
  return new Proxy(inner, {
    get(target, key) {
      if (Object.hasOwn(methods, key)) return methods[key as keyof StoreDriver]
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const server = await startStandIn()
afterAll(() => server.stop())
afterEach(() => {
  vi.restoreAllMocks()
})

describe(`the suite on ${server.name}`, () => {
  it('finds nothing wrong with the store itself in these cases', { timeout: 120_000 }, async () => {
    const cases = [...new Set(mutants.flatMap((mutant) => mutant.cases))]
    const report = await runConformance(kurrentDbHarness(server), { cases, model: false })
    const failed = report.results.filter(({ outcome }) => outcome === 'failed')
    expect(failed.map(({ id }) => id)).toEqual([])
  })

  it.each(mutants)('finds the store that $name', { timeout: 120_000 }, async (mutant) => {
    mutant.patch?.()
    const { cases } = mutant
    const report = await runConformance(kurrentDbHarness(server, mutant.mutate), {
      cases,
      model: false,
      watchdogMs: 10_000,
    })
    const failed = report.results.filter(({ outcome }) => outcome === 'failed')
    expect(
      failed.map(({ id }) => id),
      `cases that fail for the mutant`,
    ).not.toEqual([])
  })
})
