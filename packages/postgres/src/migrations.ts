import { appendFunctions } from './append-functions.js'
import { frontierFunction } from './frontier.js'
import type { SchemaName } from './schema-name.js'

export interface Migration {
  readonly version: number
  readonly name: string
  sql(schema: SchemaName): string
}

/** In order, never changed once released; a change is a new one at the end. */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'tables, indexes, functions',
    sql: (schema) =>
      [
        tables(schema),
        indexes(schema),
        guards(schema),
        appendFunctions(schema),
        frontierFunction(schema),
        revocations(schema),
      ].join('\n'),
  },
]

export const schemaVersion = migrations.at(-1)!.version

/** Made before the migrations, to know which have run. */
export function migrationsTable({ sql: s }: SchemaName): string {
  return `
create schema if not exists ${s};
create table if not exists ${s}.migrations (
  version integer primary key,
  name text not null,
  applied_at timestamptz not null default clock_timestamp()
);`
}

// Names compare by bytes (collate "C"): the order is the same on every server, and an index serves prefixes.
function tables({ sql: s }: SchemaName): string {
  return `
create table ${s}.streams (
  stream_id text collate "C" primary key,
  stream_type text collate "C" not null,
  version bigint not null,
  last_epoch integer not null,
  last_transaction xid8 not null,
  created_at timestamptz not null default now()
) with (fillfactor = 70);
comment on column ${s}.streams.last_transaction is
  'With last_epoch: what wrote the stream''s last event. An append by an earlier transaction is refused, so that the global order agrees with the stream''s.';

create table ${s}.events (
  id uuid not null,
  stream_id text collate "C" not null,
  stream_type text collate "C" not null,
  event_type text collate "C" not null,
  encoding smallint not null default 0,
  event_data jsonb,
  event_bytes bytea,
  metadata jsonb,
  metadata_bytes bytea,
  version bigint not null,
  epoch integer not null,
  transaction_id xid8 not null,
  global_position bigserial not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint events_global_order primary key (epoch, transaction_id, global_position),
  constraint events_version unique (stream_id, version),
  constraint events_id unique (id, stream_id)
);
comment on table ${s}.events is
  'The global order is (epoch, transaction_id, global_position), never global_position alone: sequence numbers are taken before commit.';
comment on column ${s}.events.encoding is
  '0: event_data. 1: event_bytes is JSON text that jsonb cannot hold. 2: event_bytes is binary. metadata is in metadata_bytes where jsonb cannot hold it.';

create table ${s}.snapshots (
  stream_id text collate "C" primary key,
  stream_type text collate "C" not null,
  encoding smallint not null default 0,
  snapshot_data jsonb,
  snapshot_bytes bytea,
  version bigint not null,
  created_at timestamptz not null default now()
);

create table ${s}.subscription_checkpoints (
  subscription_id text collate "C" primary key,
  last_position text collate "C" not null,
  updated_at timestamptz not null default now()
);

create table ${s}.epochs (
  epoch integer primary key,
  written_by xid8 not null default pg_current_xact_id(),
  table_oid oid not null,
  started_at timestamptz not null default now()
);
comment on table ${s}.epochs is
  'The transaction ids of an epoch are of one cluster. A row that was written by another transaction than it says was restored from a dump; the next append then starts a new epoch.';
insert into ${s}.epochs (epoch, table_oid) values (1, '${s}.epochs'::regclass);`
}

function indexes({ sql: s }: SchemaName): string {
  return `
create index events_by_category on ${s}.events (stream_type, epoch, transaction_id, global_position);
create index events_by_type on ${s}.events (event_type, epoch, transaction_id, global_position);
create index events_by_time on ${s}.events using brin (created_at);`
}

// Triggers for each statement: they cost an INSERT nothing.
function guards({ sql: s }: SchemaName): string {
  return `
create function ${s}.refuse_change() returns trigger language plpgsql as $annals$
begin
  raise exception 'events are never changed: % on %.% is refused', tg_op, tg_table_schema, tg_table_name
    using errcode = 'restrict_violation';
end $annals$;
create trigger refuse_change before update or delete or truncate on ${s}.events
  for each statement execute function ${s}.refuse_change();
create trigger refuse_change before update or delete or truncate on ${s}.epochs
  for each statement execute function ${s}.refuse_change();`
}

/** The functions that write run with their owner's rights, so nobody may call them who was not given the right. */
function revocations({ sql: s }: SchemaName): string {
  return `
revoke all on function ${s}.append_one, ${s}.append_distinct, ${s}.append_batch, ${s}.write_batch, ${s}.start_epoch from public;`
}
