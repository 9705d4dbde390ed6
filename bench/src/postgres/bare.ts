import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { Conflict, type Contestant, type ContestantKind, type Fact } from './contestant.js'

/**
 * The table that one would write by hand: the columns of an event, its number in the stream unique, and a sequence for
 * an order of all. No streams table, no check of ids, no order that is safe for readers, no other index.
 */
const schema = `create table events (
  id uuid not null,
  stream_id text not null,
  event_type text not null,
  event_data jsonb not null,
  metadata jsonb not null,
  version bigint not null,
  global_position bigserial primary key,
  created_at timestamptz not null default now(),
  unique (stream_id, version)
)`

const insertOne = `insert into events (id, stream_id, event_type, event_data, metadata, version)
  values ($1, $2, $3, $4, $5, $6)`

const insertNext = `insert into events (id, stream_id, event_type, event_data, metadata, version)
  select $1, $2, $3, $4, $5, coalesce(max(version), 0) + 1 from events where stream_id = $2`

const insertMany = `insert into events (id, stream_id, event_type, event_data, metadata, version)
  select * from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::bigint[])`

const columns = `id, stream_id, event_type, event_data, metadata, version, global_position, created_at`

export const bare: ContestantKind = {
  name: 'bare pg',
  setting: `\`pool.query(text, values)\` of pg on one hand-written table (primary key on a bigserial, unique (stream_id, version)); many events by one \`insert … select from unnest(…)\`; reads are one \`select\` into an array`,
  open: (_url, newPool) => open('bare pg', newPool(), {}),
}

/** The same with named statements, which PostgreSQL plans once in each connection. */
export const barePrepared: ContestantKind = {
  name: 'bare pg, prepared',
  setting: 'the same with named prepared statements',
  open: (_url, newPool) =>
    open('bare pg, prepared', newPool(), {
      [insertOne]: 'insert-one',
      [insertNext]: 'insert-next',
      [insertMany]: 'insert-many',
    }),
}

async function open(
  name: string,
  pool: Pool,
  statements: Readonly<Record<string, string>>,
): Promise<Contestant> {
  await pool.query(schema)
  const query = (text: string, values: readonly unknown[]) => {
    const statement = statements[text]
    const config = statement === undefined ? { text } : { text, name: statement }
    return pool.query({ ...config, values: [...values] }).catch((error: unknown) => {
      throw (error as { code?: unknown }).code === '23505' ? new Conflict(error) : error
    })
  }
  let appended = 0
  return {
    name,
    append: (streamId, expected, facts) => {
      appended += facts.length
      const [first, ...others] = facts as [Fact, ...Fact[]]
      if (others.length > 0) return query(insertMany, rows(streamId, expected, facts))
      const values = [
        randomUUID(),
        streamId,
        first.type,
        JSON.stringify(first.data),
        JSON.stringify(first.metadata),
      ]
      return expected === 'any'
        ? query(insertNext, values)
        : query(insertOne, [...values, expected + 1])
    },
    version: async (streamId) => {
      const { rows } = await pool.query<{ version: string }>(
        'select coalesce(max(version), 0) as version from events where stream_id = $1',
        [streamId],
      )
      return Number(rows[0]?.version)
    },
    readStream: async (streamId) => {
      const { rows } = await pool.query(
        `select ${columns} from events where stream_id = $1 order by version`,
        [streamId],
      )
      return rows.length
    },
    readAll: async () => {
      const { rows } = await pool.query(`select ${columns} from events order by global_position`)
      return rows.length
    },
    readStreamPage: async (streamId, fromVersion, limit) => {
      const { rows } = await pool.query(
        `select ${columns} from events where stream_id = $1 and version >= $2 order by version limit $3`,
        [streamId, fromVersion, limit],
      )
      return rows.length
    },
    readAllPage: async (share, limit) => {
      const { rows } = await pool.query(
        `select ${columns} from events where global_position > $1 order by global_position limit $2`,
        [Math.floor(share * appended), limit],
      )
      return rows.length
    },
    settle: () => pool.query('vacuum (analyze)'),
    close: () => pool.end(),
  }
}

function rows(streamId: string, expected: number | 'any', facts: readonly Fact[]): unknown[] {
  if (expected === 'any') throw new Error('Many rows need to know their versions')
  return [
    facts.map(() => randomUUID()),
    facts.map(() => streamId),
    facts.map(({ type }) => type),
    facts.map(({ data }) => JSON.stringify(data)),
    facts.map(({ metadata }) => JSON.stringify(metadata)),
    facts.map((_, i) => expected + 1 + i),
  ]
}
