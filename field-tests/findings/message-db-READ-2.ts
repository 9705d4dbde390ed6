// Message DB writes to a stream whose name has no dash, and then refuses to read it as a stream.
import { randomUUID } from 'node:crypto'
import { messageDb, messageDbPool } from '../src/support/message-db.js'
import { errorOf, show, told } from '../src/support/show.js'

await show(
  'a message that was written to "account" can be read from the stream "account"',
  async () => {
    const pool = messageDbPool(await messageDb())
    const { rows } = await pool.query('select write_message($1, $2, $3, $4)', [
      ...[randomUUID(), 'account', 'Opened', '{}'],
    ])
    const error = await errorOf(pool.query("select * from get_stream_messages('account')"))
    const last = await pool.query("select * from get_last_stream_message('account')")
    await pool.end()
    return {
      shown: error !== undefined,
      observed: `written at position ${rows[0].write_message}; get_stream_messages: ${told(error)}; get_last_stream_message gives ${last.rows.length} message`,
    }
  },
)
