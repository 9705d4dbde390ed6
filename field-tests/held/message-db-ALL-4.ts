// Held: in one category of Message DB, a reader misses nothing when a writer commits late. The writer holds the
// category's lock, so that nobody else takes a position before it has committed.
import { randomUUID } from 'node:crypto'
import { messageDb, messageDbPool } from '../src/support/message-db.js'
import { untilSomebodyWaits } from '../src/support/postgres.js'
import { show } from '../src/support/show.js'

await show('a reader of the category gets "slow", then "fast"', async () => {
  const url = await messageDb()
  const pool = messageDbPool(url)
  const write = 'select write_message($1, $2, $3, $4)'
  const read = async (after: number): Promise<{ type: string; global_position: string }[]> =>
    (await pool.query('select * from get_category_messages($1, $2)', ['seat', after + 1])).rows

  const slow = await pool.connect()
  await slow.query('begin')
  await slow.query(write, [randomUUID(), 'seat-1', 'slow', '{}'])
  const fast = pool.query(write, [randomUUID(), 'seat-2', 'fast', '{}'])
  await untilSomebodyWaits(url)
  const first = await read(0)
  await slow.query('commit')
  slow.release()
  await fast
  const second = await read(Number(first.at(-1)?.global_position ?? 0))
  await pool.end()
  const got = [...first, ...second].map((message) => message.type)
  return {
    shown: got.join() === 'slow,fast',
    observed: `${first.length} messages while the first writer is open; in all ${got.join(', ')}`,
  }
})
