import { type PostgresServer, startPostgres } from '@annals/test-servers'
import pg from 'pg'
import { describeMachine, loadNow } from '../machine.js'
import { type Report, type Section, withSection } from '../report.js'
import { annalsFourStores } from './annals.js'
import { Arena, type SectionRunner } from './arena.js'
import { barePrepared } from './bare.js'
import { bareNotify } from './bare-notify.js'
import { contestants, extraSubscribers } from './contestants.js'
import { installedVersion } from './installed-version.js'
import { appends } from './sections/appends.js'
import { batches } from './sections/batches.js'
import { contention } from './sections/contention.js'
import { growth } from './sections/growth.js'
import { latency } from './sections/latency.js'
import { memory } from './sections/memory.js'
import { reads } from './sections/reads.js'

const runners: readonly SectionRunner[] = [
  appends,
  contention,
  batches,
  reads,
  latency,
  growth,
  memory,
]

/** The ids of the sections, in order. */
export const sectionIds: readonly string[] = runners.map(({ id }) => id)

/** As a server is set up that is to keep a store; everything else is PostgreSQL's default, above all what makes it durable. */
const serverSettings = {
  max_connections: '500',
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
}

/** What a reader must know of the server: the settings on which durability and these figures depend. */
const told = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'wal_level',
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
  'autovacuum',
]

export interface RunOptions {
  readonly quick: boolean
  readonly poolSize: number
  /** The sections to measure, by id. */
  readonly sections: readonly string[]
  /** What the new sections are put into. */
  readonly base: Report | undefined
  readonly progress: (text: string) => void
  /** Called after each section with everything so far. */
  readonly onSection?: (report: Report, section: Section) => void
}

/** Starts a server, measures, and ends it. */
export async function run(options: RunOptions): Promise<Report> {
  const server = await startPostgres({ durable: true, settings: serverSettings })
  const arena = new Arena({ server, ...options })
  try {
    let report: Report = {
      title: 'Annals on PostgreSQL, side by side',
      date: new Date().toISOString().slice(0, 10),
      machine: describeMachine(),
      setting: await settingOf(server, options.poolSize),
      sections: options.base?.sections ?? [],
    }
    for (const runner of runners.filter(({ id }) => options.sections.includes(id))) {
      const started = performance.now()
      const loadBefore = loadNow()
      const outcome = await runner.run(arena)
      const section: Section = {
        id: runner.id,
        ...outcome,
        measuredAt: new Date().toISOString(),
        seconds: (performance.now() - started) / 1000,
        loadBefore,
      }
      report = withSection(report, section, sectionIds)
      options.onSection?.(report, section)
    }
    return report
  } finally {
    await arena.end()
    await server.stop()
  }
}

async function settingOf(server: PostgresServer, poolSize: number) {
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  const { rows } = await client.query<{ name: string; setting: string }>(
    'select name, current_setting(name) as setting from unnest($1::text[]) as name',
    [told],
  )
  await client.end()
  return {
    PostgreSQL: `${server.version} (${server.origin}), ${rows.map(({ name, setting }) => `${name} = ${setting}`).join(', ')}`,
    pg: `${installedVersion('pg')}, a pool of ${poolSize} connections for each contestant, over TCP on the loopback interface`,
    ...Object.fromEntries(
      [...contestants, ...extraSubscribers, annalsFourStores, barePrepared, bareNotify].map(
        ({ name, setting }) => [name, setting],
      ),
    ),
  }
}
