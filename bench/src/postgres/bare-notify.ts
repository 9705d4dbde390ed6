import pg from 'pg'
import { bare } from './bare.js'
import type { ContestantKind } from './contestant.js'

const insertAndNotify = `with inserted as (
    insert into events (id, stream_id, event_type, event_data, metadata, version)
    values (gen_random_uuid(), $1, $2, $3, $4, $5)
  ) select pg_notify('events', '')`

/**
 * What one would build by hand for a subscriber: a notification in each insert's transaction, and a select of what is
 * new. It is as fast as PostgreSQL can be; but it loses events of concurrent writers (sequence numbers do not commit in
 * order), and each `NOTIFY` takes a lock of the whole server at commit.
 */
export const bareNotify: ContestantKind = {
  name: 'bare NOTIFY',
  setting: '`pg_notify` in each insert, `LISTEN` and a select by the subscriber',
  open: async (url, newPool) => {
    const pool = newPool()
    const contestant = await bare.open(url, () => pool)
    return {
      ...contestant,
      name: 'bare NOTIFY',
      append: (streamId, expected, [fact]) =>
        pool.query(insertAndNotify, [
          streamId,
          fact?.type,
          JSON.stringify(fact?.data),
          JSON.stringify(fact?.metadata),
          Number(expected) + 1,
        ]),
      subscribe: async (onEvent) => {
        const client = new pg.Client({ connectionString: url })
        await client.connect()
        let last = '0'
        let reading = Promise.resolve()
        const readNew = async () => {
          const { rows } = await client.query<{ event_data: unknown; global_position: string }>(
            'select * from events where global_position > $1 order by global_position',
            [last],
          )
          for (const row of rows) onEvent(row.event_data)
          last = rows.at(-1)?.global_position ?? last
        }
        client.on('notification', () => {
          reading = reading.then(readNew)
        })
        await client.query('listen events')
        return {
          stop: async () => {
            await reading
            await client.end()
          },
        }
      },
    }
  },
}
