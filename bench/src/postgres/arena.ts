import type { PostgresServer } from '@annals/test-servers'
import pg from 'pg'
import type { Section } from '../report.js'
import type { Contestant, ContestantKind } from './contestant.js'
import { facts } from './facts.js'

export interface ArenaOptions {
  readonly server: PostgresServer
  /** Connections of each contestant. */
  readonly poolSize: number
  /** A smoke test: everything runs, no figure means anything. */
  readonly quick: boolean
  readonly progress: (text: string) => void
}

/** What a section measures on: one server, a database for each contestant, the same pool for all. */
export class Arena {
  readonly quick: boolean
  readonly progress: (text: string) => void
  readonly #server: PostgresServer
  readonly #poolSize: number
  readonly #open = new Set<Contestant>()
  readonly #filled = new Map<string, Promise<Filled>>()

  constructor(options: ArenaOptions) {
    this.quick = options.quick
    this.progress = options.progress
    this.#server = options.server
    this.#poolSize = options.poolSize
  }

  /** On an empty database. */
  async open(kind: ContestantKind): Promise<Contestant> {
    const { contestant } = await this.#create(kind)
    return contestant
  }

  openAll(kinds: readonly ContestantKind[]): Promise<Contestant[]> {
    return Promise.all(kinds.map((kind) => this.open(kind)))
  }

  async close(contestants: readonly Contestant[]): Promise<void> {
    for (const contestant of contestants) {
      this.#open.delete(contestant)
      await contestant.close()
    }
  }

  /** A contestant that holds so many events, made once and kept for later sections. */
  filled(kind: ContestantKind, events: number): Promise<Filled> {
    const key = `${kind.name} ${events}`
    let filled = this.#filled.get(key)
    if (filled === undefined) {
      filled = this.#fill(kind, events)
      this.#filled.set(key, filled)
    }
    return filled
  }

  /** Statistics and visibility maps as a store has them that was not written a moment ago. */
  async settle(): Promise<void> {
    for (const contestant of this.#open) await contestant.settle()
  }

  async end(): Promise<void> {
    await this.close([...this.#open])
  }

  async #create(kind: ContestantKind): Promise<{ url: string; contestant: Contestant }> {
    const url = await this.#server.createDatabase()
    const contestant = await kind.open(url, (size = this.#poolSize) => {
      const pool = new pg.Pool({ connectionString: url, max: size })
      pool.on('error', () => {}) // the query tells
      return pool
    })
    this.#open.add(contestant)
    return { url, contestant }
  }

  async #fill(kind: ContestantKind, events: number): Promise<Filled> {
    const { url, contestant } = await this.#create(kind)
    this.progress(`filling ${kind.name} with ${events.toLocaleString('en-US')} events`)
    const size = Math.min(events, 1000)
    const batch = facts(size)
    const streams = events / size
    const started = performance.now()
    let next = 0
    await Promise.all(
      Array.from({ length: Math.min(streams, 2) }, async () => {
        while (next < streams) await contestant.append(streamOf(next++), 0, batch)
      }),
    )
    const seconds = (performance.now() - started) / 1000
    await contestant.settle()
    return { url, contestant, events, streams, perSecond: events / seconds }
  }
}

/** A store with streams `order-0`, `order-1`, …, each of 1,000 events (fewer where it has fewer in all). */
export interface Filled {
  readonly url: string
  readonly contestant: Contestant
  readonly events: number
  readonly streams: number
  /** Events by second while it was filled. */
  readonly perSecond: number
}

export function streamOf(number: number): string {
  return `order-${number}`
}

/** What a section has to say; the run adds when and how long. */
export type Outcome = Pick<Section, 'title' | 'notes' | 'tables' | 'plots' | 'goals'>

export interface SectionRunner {
  readonly id: string
  run(arena: Arena): Promise<Outcome>
}
