import { setTimeout as sleep } from 'node:timers/promises'
import type { HeldWriter } from '@annals/conformance'
import pg from 'pg'
import { type PgPool, type PgPoolClient, postgresStore } from '../../src/index.js'

const lockClass = 4242
let lastKey = 0

function ignoreError(): void {}

/**
 * A writer whose transaction stops when everything is done but the commit: a deferred constraint trigger, which runs
 * as the first step of COMMIT, waits for an advisory lock that the harness holds.
 */
export async function heldWriter(url: string, schema: string, admin: pg.Pool) {
  const key = ++lastKey
  const name = `held-${key}`
  await admin.query(`
    create or replace function "${schema}".hold() returns trigger language plpgsql as $$
    begin
      if current_setting('application_name') like 'held-%' then
        -- It stands where a slow disk would: no patience with locks counts here.
        perform set_config('lock_timeout', '0', true);
        perform pg_advisory_xact_lock_shared(${lockClass}, substr(current_setting('application_name'), 6)::integer);
      end if;
      return null;
    end $$;
    drop trigger if exists hold on "${schema}".events;
    create constraint trigger hold after insert on "${schema}".events
      deferrable initially deferred for each row execute function "${schema}".hold();`)

  const pool = new pg.Pool({ connectionString: url, application_name: name, max: 5 })
  pool.on('error', () => {})
  let armed: Promise<unknown> = Promise.resolve()
  let dead = false
  const gated: PgPool = {
    query: async (...args) => {
      await admit()
      return pool.query(...args)
    },
    connect: async () => {
      await admit()
      return pool.connect() as unknown as Promise<PgPoolClient>
    },
  }
  const admit = async () => {
    await armed
    if (dead) {
      throw Object.assign(new Error('the process was killed'), { code: 'ECONNREFUSED' })
    }
  }
  // `dead` ends its retries too: a process that was killed tries nothing.
  const store = postgresStore({ pool: gated, schema, listen: false, retryBudgetMs: 1000 })
  let holder: pg.PoolClient | undefined
  const letGo = async () => {
    const client = holder
    holder = undefined
    if (client === undefined) return
    await client.query('select pg_advisory_unlock($1, $2)', [lockClass, key]).catch(() => {})
    client.off('error', ignoreError)
    client.release()
  }
  const writer: HeldWriter = {
    store,
    hold() {
      armed = admin.connect().then(async (client) => {
        holder = client
        // The server may be killed meanwhile; a client that is out of its pool has nobody else to listen.
        client.on('error', ignoreError)
        await client.query('select pg_advisory_lock($1, $2)', [lockClass, key])
      })
      const arrived = armed.then(async () => {
        for (;;) {
          const { rows } = await admin.query(
            `select 1 from pg_locks where locktype = 'advisory' and classid = $1 and objid = $2 and not granted`,
            [lockClass, key],
          )
          if (rows.length > 0 || holder === undefined) return
          await sleep(2)
        }
      })
      return { arrived, release: letGo }
    },
    async kill() {
      dead = true
      await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
        [name],
      )
      for (;;) {
        const { rows } = await admin.query(
          'select 1 from pg_stat_activity where application_name = $1',
          [name],
        )
        if (rows.length === 0) break
        await sleep(2)
      }
      await letGo()
    },
  }
  return {
    writer,
    async close() {
      await letGo()
      await store.close()
      await pool.end()
    },
  }
}
