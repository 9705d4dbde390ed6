import type { SchemaName } from './schema-name.js'

/** What an append's outcome begins with, in the answer of the functions below. */
export const outcomes = {
  written: '0',
  repeated: '1',
  conflict: '2',
  duplicate: '3',
  /** The stream's last event is of a later transaction than this one: to be done again in a new one. */
  stale: '4',
  /** Of appends to as many streams: every one is written. */
  allWritten: '5',
} as const

/** Errors that the functions raise. */
export const sqlStates = {
  /** The transaction had written before it took the store's lock. */
  joinedTooLate: 'AN001',
  /** The tables come from another cluster: a new epoch must be started. */
  newEpoch: 'AN002',
  /** An append through a transaction that is over, or never was. */
  notInTransaction: 'AN003',
} as const

/** How expectations are passed: a number is itself. */
export const expectations = { any: -1, exists: -2 } as const

/**
 * The server's side of an append.
 *
 * Plans: the functions always use their indexes and never a plan per value. Their plans live as long as the connection,
 * and one made for a table that was small then must not scan or hash it when it has grown. It also keeps the order of an
 * UPDATE's locks that of the array that it goes through.
 */
export function appendFunctions(schema: SchemaName): string {
  return [
    enter(schema),
    startEpoch(schema),
    writeBatch(schema),
    appendBatch(schema),
    appendDistinct(schema),
    appendOne(schema),
  ].join('\n')
}

/**
 * The lock must be there before the xid: a reader takes a running transaction that is not among the lock's holders for one that
 * will not write here. Who stands in line for a stream does so without an xid: it gets one that is later than those of the
 * transactions before it, and holds back no reader meanwhile.
 */
const takeLock = ({ locks, setting }: SchemaName) => `
  if _joined and current_setting('${setting}', true) is distinct from '1' then
    raise exception 'the transaction is over' using errcode = '${sqlStates.notInTransaction}';
  end if;
  if pg_current_xact_id_if_assigned() is null then
    perform pg_advisory_xact_lock_shared(${locks.writers}, ${locks.key});
  elsif current_setting('${setting}', true) is distinct from '1' then
    raise exception 'the transaction has written before it joined' using errcode = '${sqlStates.joinedTooLate}';
  end if;
  if _patience > 0 then
    perform set_config('lock_timeout', _patience::text, true);
  end if;
  if _queued is not null then
    perform pg_advisory_xact_lock(${locks.streams}, hashtext(q.stream_id) # ${locks.key}) from unnest(_queued) as q (stream_id);
  end if;
  writer := pg_current_xact_id();`

const readEpoch = ({ sql: s }: SchemaName) => `
  select e.epoch, e.xmin = e.written_by::xid and e.tableoid = e.table_oid into strict epoch_now, epoch_valid
    from ${s}.epochs e order by e.epoch desc limit 1;
  if not epoch_valid then
    raise exception 'the tables come from another cluster' using errcode = '${sqlStates.newEpoch}';
  end if;`

/** How the functions run that clients call to append: with their owner's rights, and by their indexes. */
const asWriter = `security definer set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off`

const eventColumns = `id, stream_id, stream_type, event_type, encoding, event_data, event_bytes,
        metadata, metadata_bytes, version, epoch, transaction_id`

/** For a transaction that will do other things besides. Runs with the caller's rights: it needs none. */
function enter({ sql: s, locks, setting }: SchemaName): string {
  return `
create function ${s}.enter() returns void language plpgsql as $annals$
begin
  if pg_current_xact_id_if_assigned() is not null
    and current_setting('${setting}', true) is distinct from '1'
  then
    raise exception 'the transaction has written before it joined' using errcode = '${sqlStates.joinedTooLate}';
  end if;
  perform pg_advisory_xact_lock_shared(${locks.writers}, ${locks.key});
  perform set_config('${setting}', '1', true);
end $annals$;`
}

/**
 * Transaction ids are of one cluster. Whatever changes the row's own xmin (a restored dump, a logical copy, a rewrite of
 * the table) needs a lock that no writer shares, so no writer of the old epoch is at work when a new one starts. Of two
 * that start it at once, the second finds it done.
 */
function startEpoch({ sql: s, locks }: SchemaName): string {
  return `
create function ${s}.start_epoch() returns void language plpgsql
security definer set search_path = pg_catalog, pg_temp as $annals$
begin
  perform pg_advisory_xact_lock(${locks.migration}, ${locks.key});
  insert into ${s}.epochs (epoch, table_oid)
    select e.epoch + 1, '${s}.epochs'::regclass
    from (select * , x.xmin as row_xmin, x.tableoid as row_tableoid from ${s}.epochs x order by x.epoch desc limit 1) e
    where e.row_xmin <> e.written_by::xid or e.row_tableoid <> e.table_oid;
end $annals$;`
}

/** One append to one stream, in the fewest statements: the version moves only where the expectation holds. */
function appendOne(schema: SchemaName): string {
  const s = schema.sql
  const current = `(st.last_epoch, st.last_transaction) <= (epoch_now, writer)`
  const moved = `set version = st.version + n, last_epoch = epoch_now, last_transaction = writer`
  return `
create function ${s}.append_one(
  _joined boolean, _patience integer, _queued text[], _stream text, _expected bigint, _ids uuid[], _types text[], _encodings smallint[],
  _data jsonb[], _bytes bytea[], _metadata jsonb[], _metadata_bytes bytea[]
) returns text language plpgsql
${asWriter} as $annals$
declare
  writer xid8;
  epoch_now integer;
  epoch_valid boolean;
  n integer := cardinality(_ids);
  base bigint;
  last bigint;
begin${takeLock(schema)}${readEpoch(schema)}
  if _expected = 0 then
    insert into ${s}.streams (stream_id, stream_type, version, last_epoch, last_transaction)
      values (_stream, split_part(_stream, '-', 1), n, epoch_now, writer)
      on conflict (stream_id) do nothing
      returning 0 into base;
  elsif _expected > 0 then
    update ${s}.streams st ${moved}
      where st.stream_id = _stream and st.version = _expected and ${current}
      returning st.version - n into base;
  elsif _expected = ${expectations.exists} then
    update ${s}.streams st ${moved}
      where st.stream_id = _stream and ${current}
      returning st.version - n into base;
  else
    insert into ${s}.streams as st (stream_id, stream_type, version, last_epoch, last_transaction)
      values (_stream, split_part(_stream, '-', 1), n, epoch_now, writer)
      on conflict (stream_id) do update ${moved} where ${current}
      returning st.version - n into base;
  end if;
  if base > 0 then
    -- The concatenation keeps the planner from looking through the whole stream instead of for the ids.
    perform 1 from ${s}.events e where e.id = any (_ids) and e.stream_id || '' = _stream;
    if found then
      update ${s}.streams st
        set version = base, last_epoch = e.epoch, last_transaction = e.transaction_id
        from ${s}.events e where st.stream_id = _stream and e.stream_id = _stream and e.version = base;
      base := null;
    end if;
  end if;
  if base is null then
    return ${s}.write_batch(writer, epoch_now, false, array[_stream], case when _expected in (0, ${expectations.any}) then array[_stream] else '{}' end, array[n],
      array[1], array[_expected], array[n], array_fill(1, array[n]), array(select generate_series(1, n)),
      _ids, _types, _encodings, _data, _bytes, _metadata, _metadata_bytes);
  end if;
  if n = 1 then
    insert into ${s}.events (${eventColumns})
      values (_ids[1], _stream, split_part(_stream, '-', 1), _types[1], _encodings[1], _data[1], _bytes[1],
        _metadata[1], _metadata_bytes[1], base + 1, epoch_now, writer)
      returning global_position into last;
  else
    with written as (
      insert into ${s}.events (${eventColumns})
        select x.id, _stream, split_part(_stream, '-', 1), x.type, x.encoding, x.data, x.bytes,
          x.metadata, x.metadata_bytes, base + x.n, epoch_now, writer
        from unnest(_ids, _types, _encodings, _data, _bytes, _metadata, _metadata_bytes)
          with ordinality as x (id, type, encoding, data, bytes, metadata, metadata_bytes, n)
        order by x.n
        returning global_position
    ) select max(w.global_position) into last from written w;
  end if;
  return '${outcomes.written}:' || base + n || ':' || epoch_now || ':' || writer || ':' || last;
end $annals$;`
}

/**
 * Appends to as many streams, each with the version that its stream must have: what several writers send at once, and
 * the way that costs least. All streams are moved at once on the assumption that every expectation holds and no id is
 * known. Where that proves wrong, the streams are put back and `write_batch` decides each append.
 *
 * `_streams` are in order. `_owners` and `_offsets`, as in `append_batch`, are null where each append is one event.
 * The answer: the transaction, and the place in the sequence of each event.
 */
function appendDistinct(schema: SchemaName): string {
  const s = schema.sql
  return `
create function ${s}.append_distinct(
  _joined boolean, _patience integer, _queued text[], _streams text[], _expected bigint[], _counts integer[], _owners integer[],
  _offsets integer[], _ids uuid[], _types text[], _encodings smallint[],
  _data jsonb[], _bytes bytea[], _metadata jsonb[], _metadata_bytes bytea[]
) returns text language plpgsql
${asWriter} as $annals$
declare
  writer xid8;
  epoch_now integer;
  epoch_valid boolean;
  created text[] := '{}';
  moved text[] := '{}';
  held boolean := true;
  sequences bigint[];
begin${takeLock(schema)}${readEpoch(schema)}
  if 0 = any (_expected) then
    with created as (
      insert into ${s}.streams (stream_id, stream_type, version, last_epoch, last_transaction)
        select x.stream_id, split_part(x.stream_id, '-', 1), x.count, epoch_now, writer
        from unnest(_streams, _expected, _counts) as x (stream_id, expected, count) where x.expected = 0
        on conflict (stream_id) do nothing returning stream_id
    ) select coalesce(array_agg(c.stream_id), '{}') into created from created c;
  end if;
  if cardinality(created) < cardinality(_streams) then
    with moved as (
      update ${s}.streams st set version = st.version + x.count, last_epoch = epoch_now, last_transaction = writer
        from unnest(_streams, _expected, _counts) as x (stream_id, expected, count)
        where st.stream_id = x.stream_id and x.expected > 0 and st.version = x.expected
          and (st.last_epoch, st.last_transaction) <= (epoch_now, writer)
        returning st.stream_id
    ) select coalesce(array_agg(m.stream_id), '{}') into moved from moved m;
    held := cardinality(created) + cardinality(moved) = cardinality(_streams);
    if held then
      perform 1 from ${s}.events e where e.id = any (_ids);
      held := not found;
    end if;
  end if;
  if not held then
    delete from ${s}.streams st where st.stream_id = any (created);
    update ${s}.streams st set version = e.version, last_epoch = e.epoch, last_transaction = e.transaction_id
      from unnest(_streams, _expected) as x (stream_id, version), ${s}.events e
      where st.stream_id = any (moved) and st.stream_id = x.stream_id
        and e.stream_id = x.stream_id and e.version = x.version;
    return ${s}.write_batch(writer, epoch_now, false, _streams,
      array(select case when x.expected = 0 then x.stream_id end from unnest(_streams, _expected) as x (stream_id, expected)),
      _counts, array(select generate_subscripts(_streams, 1)), _expected, _counts,
      coalesce(_owners, array(select generate_subscripts(_ids, 1))),
      coalesce(_offsets, array_fill(1, array[cardinality(_ids)])),
      _ids, _types, _encodings, _data, _bytes, _metadata, _metadata_bytes);
  end if;
  if _owners is null then
    with added as (
      insert into ${s}.events (${eventColumns})
        select x.id, x.stream_id, split_part(x.stream_id, '-', 1), x.type, x.encoding, x.data, x.bytes,
          x.metadata, x.metadata_bytes, x.expected + 1, epoch_now, writer
        from unnest(_ids, _streams, _expected, _types, _encodings, _data, _bytes, _metadata, _metadata_bytes)
          as x (id, stream_id, expected, type, encoding, data, bytes, metadata, metadata_bytes)
        returning global_position
    ) select array_agg(r.global_position order by r.global_position) into sequences from added r;
  else
    with added as (
      insert into ${s}.events (${eventColumns})
        select x.id, _streams[x.owner], split_part(_streams[x.owner], '-', 1), x.type, x.encoding, x.data, x.bytes,
          x.metadata, x.metadata_bytes, _expected[x.owner] + x.place, epoch_now, writer
        from unnest(_ids, _owners, _offsets, _types, _encodings, _data, _bytes, _metadata, _metadata_bytes)
          as x (id, owner, place, type, encoding, data, bytes, metadata, metadata_bytes)
        returning global_position
    ) select array_agg(r.global_position order by r.global_position) into sequences from added r;
  end if;
  return '${outcomes.allWritten}:' || epoch_now || ':' || writer || ':' || array_to_string(sequences, ':');
end $annals$;`
}

/**
 * Any number of appends, each with an outcome of its own; or, if `_atomic`, all or none.
 *
 * Streams are locked in the order of their ids, new ones first: an append here never waits for one that waits for it.
 * Then every append is decided in turn against the versions as the ones before it leave them, and what is to be written
 * is written by one statement.
 *
 * `_streams`: all of them, in order. `_fresh`: those of them that an append may create, in order,
 * and `_firsts`: the version to create each at, which is right at once where a single append is for it. For each append:
 * `_slots` (its stream's place in `_streams`), `_expected`, `_counts`. For each event: `_owners` (its append),
 * `_offsets` (its place in the append, from 1) and its columns.
 */
function appendBatch(schema: SchemaName): string {
  const s = schema.sql
  return `
create function ${s}.append_batch(
  _joined boolean, _patience integer, _queued text[], _atomic boolean, _streams text[], _fresh text[], _firsts bigint[],
  _slots integer[], _expected bigint[], _counts integer[], _owners integer[], _offsets integer[],
  _ids uuid[], _types text[], _encodings smallint[],
  _data jsonb[], _bytes bytea[], _metadata jsonb[], _metadata_bytes bytea[]
) returns text language plpgsql
${asWriter} as $annals$
declare
  writer xid8;
  epoch_now integer;
  epoch_valid boolean;
begin${takeLock(schema)}${readEpoch(schema)}
  return ${s}.write_batch(writer, epoch_now, _atomic, _streams, _fresh, _firsts, _slots, _expected, _counts, _owners, _offsets,
    _ids, _types, _encodings, _data, _bytes, _metadata, _metadata_bytes);
end $annals$;`
}

/** The work of the others, which alone call it: the lock is held, the epoch read, the settings are theirs. */
function writeBatch({ sql: s }: SchemaName): string {
  return `
create function ${s}.write_batch(
  writer xid8, epoch_now integer, _atomic boolean, _streams text[], _fresh text[], _firsts bigint[],
  _slots integer[], _expected bigint[], _counts integer[], _owners integer[], _offsets integer[],
  _ids uuid[], _types text[], _encodings smallint[],
  _data jsonb[], _bytes bytea[], _metadata jsonb[], _metadata_bytes bytea[]
) returns text language plpgsql as $annals$
declare
  created text[] := '{}';
  versions bigint[];
  stale boolean[];
  ids_known boolean;
  known bigint[];
  bases bigint[] := array_fill(null::bigint, array[cardinality(_slots)]);
  actuals bigint[] := bases;
  statuses integer[] := array_fill(0, array[cardinality(_slots)]);
  refusal integer := 0;
  repeats integer := 0;
  sequences bigint[];
  slot integer;
  wanted bigint;
  n integer;
  low integer := 1;
  seen integer;
  written integer := 0;
  answer text := '';
  part text;
begin
  if cardinality(_fresh) > 0 then
    with created as (
      insert into ${s}.streams (stream_id, stream_type, version, last_epoch, last_transaction)
        select f.stream_id, split_part(f.stream_id, '-', 1), f.version, epoch_now, writer
        from unnest(_fresh, _firsts) with ordinality as f (stream_id, version, n)
        where f.stream_id is not null order by f.n
        on conflict (stream_id) do nothing returning stream_id
    ) select coalesce(array_agg(c.stream_id), '{}') into created from created c;
  end if;
  if cardinality(created) = cardinality(_streams) then
    versions := array_fill(0::bigint, array[cardinality(_streams)]);
    stale := array_fill(false, array[cardinality(_streams)]);
  else
    select array_agg(coalesce(l.version, 0) order by x.n),
        array_agg(coalesce((l.last_epoch, l.last_transaction) > (epoch_now, writer), false) order by x.n)
      into versions, stale
      from unnest(_streams) with ordinality as x (stream_id, n)
      left join (
        select st.stream_id, st.version, st.last_epoch, st.last_transaction from ${s}.streams st
        where st.stream_id = any (_streams) and st.stream_id <> all (created)
        order by st.stream_id for no key update
      ) l on l.stream_id = x.stream_id;
  end if;
  perform 1 from ${s}.events e where e.id = any (_ids);
  ids_known := found;
  if ids_known then
    with stored as materialized (
      select e.id, e.stream_id, e.version from ${s}.events e where e.id = any (_ids)
    )
    select array_agg(k.version order by x.n) into known
      from unnest(_ids, _owners) with ordinality as x (id, owner, n)
      left join stored k on k.id = x.id and k.stream_id = _streams[_slots[x.owner]];
  end if;

  for i in 1 .. cardinality(_slots) loop
    slot := _slots[i];
    actuals[i] := versions[slot];
    wanted := _expected[i];
    n := _counts[i];
    seen := 0;
    if ids_known then
      for j in low .. low + n - 1 loop
        if known[j] is not null then
          seen := seen + 1;
        end if;
      end loop;
    end if;
    if seen = n and (wanted < 0 or known[low] = wanted + 1) then
      statuses[i] := ${outcomes.repeated};
      for j in low + 1 .. low + n - 1 loop
        if known[j] <> known[j - 1] + 1 then
          statuses[i] := ${outcomes.duplicate};
        end if;
      end loop;
      if wanted >= 0 and wanted <> versions[slot] and statuses[i] = ${outcomes.duplicate} then
        statuses[i] := ${outcomes.conflict};
      end if;
    elsif (wanted >= 0 and wanted <> versions[slot]) or (wanted = ${expectations.exists} and versions[slot] = 0) then
      statuses[i] := ${outcomes.conflict};
    elsif seen > 0 then
      statuses[i] := ${outcomes.duplicate};
    elsif stale[slot] then
      statuses[i] := ${outcomes.stale};
    else
      bases[i] := versions[slot];
      versions[slot] := versions[slot] + n;
    end if;
    if statuses[i] = ${outcomes.repeated} then
      repeats := repeats + 1;
    elsif statuses[i] > 0 then
      refusal := i;
    end if;
    low := low + n;
  end loop;

  if _atomic and (refusal > 0 or repeats between 1 and cardinality(_slots) - 1) then
    bases := array_fill(null::bigint, array[cardinality(_slots)]);
    if refusal = 0 then
      for i in 1 .. cardinality(_slots) loop
        if statuses[i] = ${outcomes.repeated} then
          statuses[i] := ${outcomes.duplicate};
        end if;
      end loop;
    end if;
    delete from ${s}.streams st where st.stream_id = any (created);
  else
    with added as (
      insert into ${s}.events (${eventColumns})
        select x.id, _streams[_slots[x.owner]], split_part(_streams[_slots[x.owner]], '-', 1), x.type, x.encoding,
          x.data, x.bytes, x.metadata, x.metadata_bytes, bases[x.owner] + x.place, epoch_now, writer
        from unnest(_ids, _owners, _offsets, _types, _encodings, _data, _bytes, _metadata, _metadata_bytes)
          with ordinality as x (id, owner, place, type, encoding, data, bytes, metadata, metadata_bytes, n)
        where bases[x.owner] is not null
        order by x.n
        returning global_position
    ) select array_agg(r.global_position order by r.global_position) into sequences from added r;
    -- A stream that was not there when it was looked at is not locked: another may have created it since.
    update ${s}.streams st set version = v.version, last_epoch = epoch_now, last_transaction = writer
      from unnest(_streams, versions) as v (stream_id, version)
      where st.stream_id = v.stream_id and v.version > 0 and st.version <> v.version;
  end if;

  low := 1;
  for i in 1 .. cardinality(_slots) loop
    slot := _slots[i];
    n := _counts[i];
    if bases[i] is not null then
      written := written + n;
      part := '${outcomes.written}:' || bases[i] + n || ':' || epoch_now || ':' || writer || ':' || sequences[written];
    elsif statuses[i] = ${outcomes.repeated} then
      select '${outcomes.repeated}:' || e.version || ':' || e.epoch || ':' || e.transaction_id || ':' || e.global_position
        into strict part from ${s}.events e where e.stream_id = _streams[slot] and e.version = known[low + n - 1];
    elsif statuses[i] = ${outcomes.conflict} then
      part := '${outcomes.conflict}:' || actuals[i];
    elsif statuses[i] = ${outcomes.duplicate} then
      part := '${outcomes.duplicate}';
      for j in low .. low + n - 1 loop
        if known[j] is not null then
          part := part || ':' || _ids[j];
        end if;
      end loop;
    else
      part := '${outcomes.stale}';
    end if;
    answer := answer || part || ',';
    low := low + n;
  end loop;
  return rtrim(answer, ',');
end $annals$;`
}
