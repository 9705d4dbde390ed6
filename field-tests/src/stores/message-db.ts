import { WrongExpectedVersionError } from '@annals/core'
import type pg from 'pg'
import type { PostgresStore } from '../postgres-harness.js'
import { notOffered, numbered, type Published, stored } from '../published.js'
import { installMessageDb, messageDbPool } from '../support/message-db.js'

const positions = numbered('mdb')
// The batch size that its functions have by default.
const batchSize = 1000

interface Row {
  readonly id: string
  readonly stream_name: string
  readonly type: string
  readonly position: string
  readonly global_position: string
  readonly data: string
  readonly metadata: string | null
  readonly time: Date
}

export const messageDb: PostgresStore = {
  name: 'Message DB',
  commits: true,
  prepare: installMessageDb,
  open: async (url) => published(messageDbPool(url)),
}

function published(pool: pg.Pool): Published {
  pool.on('connect', (connection) => connection.on('error', () => {}))
  pool.on('error', () => {})
  const rows = async (sql: string, ...values: unknown[]) =>
    (await pool.query<Row>(sql, values)).rows

  /** Its categories, so that all events can be looked at; its interface reads one category at a time. */
  const categories = async () =>
    (await pool.query('select distinct category(stream_name) as name from messages')).rows.map(
      (row): string => row.name,
    )

  const after = async (position: bigint) => {
    const found: Row[] = []
    for (const category of await categories())
      found.push(
        ...(await rows(
          'select * from get_category_messages($1, $2, $3)',
          category,
          position + 1n,
          batchSize,
        )),
      )
    return found.sort((a, b) => Number(BigInt(a.global_position) - BigInt(b.global_position)))
  }

  return {
    name: 'Message DB',
    offersAny: true,
    ...positions,
    async append(streamId, expected, events) {
      if (expected === 'exists') notOffered("an append that expects any version ('exists')")
      const client = await pool.connect()
      let version = 0
      try {
        await client.query('begin')
        let next = expected === 'any' ? null : expected - 1
        for (const { id, type, data, metadata } of events) {
          const { rows } = await client.query(
            'select write_message($1, $2, $3, $4::jsonb, $5::jsonb, $6) as position',
            [id, streamId, type, JSON.stringify(data), JSON.stringify(metadata), next],
          )
          version = Number(rows[0].position) + 1
          next = next === null ? null : next + 1
        }
        await client.query('commit')
      } catch (error) {
        await client.query('rollback').catch(() => {})
        const conflict = /^Wrong expected version: .* Stream Version: (-?\d+)\)$/s.exec(
          (error as Error).message,
        )
        if (!conflict) throw error
        throw new WrongExpectedVersionError(streamId, expected, Number(conflict[1]) + 1, {
          cause: error,
        })
      } finally {
        client.release()
      }
      const [last] = await rows(
        'select * from get_stream_messages($1, $2, 1)',
        streamId,
        version - 1,
      )
      return { version, position: positions.at(last?.global_position ?? 0) }
    },
    async readStream(streamId, version, limit) {
      const from = version - 1
      const events: Row[] = []
      for (;;) {
        const size = Math.min(batchSize, limit - events.length)
        const page = await rows(
          'select * from get_stream_messages($1, $2, $3)',
          streamId,
          from + events.length,
          size,
        )
        events.push(...page)
        if (page.length < size || events.length >= limit) return events.map(asStored)
      }
    },
    async readAll(position) {
      const found = await after(positions.of(position))
      const events = found.slice(0, batchSize).map(asStored)
      return {
        events,
        next: events.at(-1)?.position ?? position,
        atHead: found.length < batchSize,
      }
    },
    async streamVersion(streamId) {
      const { rows } = await pool.query('select stream_version($1) as position', [streamId])
      return rows[0].position === null ? 0 : Number(rows[0].position) + 1
    },
    async head() {
      const { rows } = await pool.query('select max(global_position) as position from messages')
      return rows[0].position === null ? null : positions.at(rows[0].position)
    },
    close: () => pool.end(),
  }
}

function asStored(row: Row) {
  return stored({
    id: row.id,
    streamId: row.stream_name,
    version: Number(row.position) + 1,
    position: positions.at(row.global_position),
    type: row.type,
    data: JSON.parse(row.data),
    metadata: row.metadata === null ? {} : JSON.parse(row.metadata),
    recordedAt: row.time,
  })
}
