import type { Queryable } from './database.js'
import type { Place } from './positions.js'
import type { SchemaName } from './schema-name.js'

/**
 * Below the frontier no writer of this store can still commit: what is visible there is all that there will ever be
 * there (ALL-4). It is found without waiting for anybody, and a transaction that does not write to this store does not
 * hold it back (ALL-6).
 *
 * A writer shares the store's advisory lock before it gets an xid, and keeps it until it has committed: PostgreSQL takes
 * a transaction out of the list of running ones first and releases its locks afterwards. So, in this order:
 *
 * 1. `ceiling` = pg_snapshot_xmax of a snapshot. Each xid below it had been assigned when the snapshot was taken, and so
 *    the writer that has it was already holding the lock.
 * 2. The xids of all backends, then the holders of the lock. A writer below the ceiling that is still running shows up in
 *    both. A holder without an xid will get one that is not below the ceiling.
 *    The xids come from the list of running transactions, not from the `transactionid` rows of pg_locks: a transaction is
 *    in the list before its snapshot-visible xid can be passed by another, but it enters the lock table a moment later.
 * 3. frontier = the least of the ceiling and those xids. A writer below it that was not seen in step 2 has committed, and
 *    every later snapshot shows its events.
 *
 * The events are therefore read with a snapshot taken after step 2: one statement cannot do it all, as it would read with
 * the snapshot it started with. This function is VOLATILE: each of its statements has a snapshot of its own at READ
 * COMMITTED. At any other isolation level, on a replica (where advisory locks of the primary are not known), where the
 * lock table may not be read, or while a holder is a prepared transaction, the frontier is the snapshot's xmin: correct,
 * but it waits for each transaction of the server.
 *
 * If the epochs table was restored from a dump, all that is stored is of epochs that have ended, and the frontier is that of the
 * next one.
 *
 * Returns the frontier's epoch and xid, and the place of the last event below it, as text.
 */
export function frontierFunction({ sql: s, locks }: SchemaName): string {
  return `
create function ${s}.frontier() returns text[] language plpgsql volatile parallel unsafe
set enable_seqscan = off set enable_sort = off set enable_bitmapscan = off as $annals$
declare
  snapshot pg_snapshot;
  ceiling bigint;
  frontier bigint;
  pids integer[];
  xids bigint[];
  holder integer;
  place integer;
  age bigint;
  epoch_now integer;
  head record;
begin
  snapshot := pg_current_snapshot();
  ceiling := pg_snapshot_xmax(snapshot)::text::bigint;
  frontier := ceiling;
  if pg_is_in_recovery()
    or current_setting('transaction_isolation') <> 'read committed'
    or not has_function_privilege('pg_lock_status()', 'execute')
  then
    frontier := pg_snapshot_xmin(snapshot)::text::bigint;
  else
    -- Backends' states are read once a transaction unless told otherwise.
    perform pg_stat_clear_snapshot();
    select array_agg(a.pid), array_agg(a.backend_xid::text::bigint) into pids, xids
      from pg_stat_get_activity(null) a where a.backend_xid is not null;
    for holder in
      select l.pid from pg_locks l
      where l.locktype = 'advisory' and l.classid = ${locks.writers}::oid and l.objid = ${locks.key >>> 0}::oid
        and l.objsubid = 2 and l.granted
        and l.database = (select d.oid from pg_database d where d.datname = current_database())
    loop
      if holder is null then
        frontier := least(frontier, pg_snapshot_xmin(snapshot)::text::bigint);
      else
        place := array_position(pids, holder);
        if place is not null then
          -- Xids of backends are of 32 bits; a running one is less than 2^31 away.
          age := (ceiling - xids[place]) & 4294967295;
          if age < 2147483648 then
            frontier := least(frontier, ceiling - age);
          end if;
        end if;
      end if;
    end loop;
  end if;
  select case when e.xmin = e.written_by::xid and e.tableoid = e.table_oid then e.epoch else e.epoch + 1 end
    into strict epoch_now from ${s}.epochs e order by e.epoch desc limit 1;
  select e.epoch, e.transaction_id, e.global_position into head
    from ${s}.events e where (e.epoch, e.transaction_id) < (epoch_now, frontier::text::xid8)
    order by e.epoch desc, e.transaction_id desc, e.global_position desc limit 1;
  return array[epoch_now::text, frontier::text,
    head.epoch::text, head.transaction_id::text, head.global_position::text];
end $annals$;`
}

export interface Frontier {
  readonly epoch: number
  readonly transaction: string
  /** The last event that a reader of all may see; null where there is none. */
  readonly head: Place | null
}

/** One round trip. What is at or below `head` never changes any more, so every later statement may read up to it. */
export async function readFrontier(
  database: Queryable,
  { sql: s }: SchemaName,
  signal?: AbortSignal,
): Promise<Frontier> {
  const [row] = await database.rows(
    {
      text: `select f[1], f[2], f[3], f[4], f[5] from (select ${s}.frontier() as f offset 0) x`,
      prepared: true,
    },
    [],
    signal,
  )
  const [epoch, transaction, headEpoch, headTransaction, headSequence] = row!
  return {
    epoch: Number(epoch),
    transaction: transaction!,
    head:
      headEpoch == null
        ? null
        : { epoch: Number(headEpoch), transaction: headTransaction!, sequence: headSequence! },
  }
}
