import { SchemaMissingError } from '@annals/core'
import type { Database, Queryable } from './database.js'
import { migrations, migrationsTable, schemaVersion } from './migrations.js'
import type { FilterIndexes } from './read-all-page.js'
import type { SchemaName } from './schema-name.js'

/**
 * Brings the schema up to date in one transaction: all of it or nothing. Two at once wait for each other. Where nothing
 * is to be done nothing is locked and no right to create is needed.
 */
export async function migrate(database: Database, schema: SchemaName): Promise<void> {
  if ((await readVersion(database, schema)) === schemaVersion) return
  const { locks } = schema
  // The lock comes first: CREATE ... IF NOT EXISTS of two at once can still fail on the catalogue's own indexes.
  await database.transaction(
    `begin isolation level read committed; select pg_advisory_xact_lock(${locks.migration}, ${locks.key});`,
    async (session) => {
      const run = (text: string) => session.script(text)
      await run(migrationsTable(schema))
      const present = await readVersionOfTable(session, schema)
      if (present > schemaVersion) throw newer(schema, present)
      for (const migration of migrations) {
        if (migration.version <= present) continue
        await run(migration.sql(schema))
        await session.rows(
          { text: `insert into ${schema.sql}.migrations (version, name) values ($1, $2)` },
          [migration.version, migration.name],
        )
      }
    },
  )
}

/**
 * @throws SCHEMA_MISSING unless the schema is exactly the one that this version of the store knows.
 * @returns which of the indexes that may be dropped are there.
 */
export async function inspectSchema(
  database: Queryable,
  schema: SchemaName,
  signal: AbortSignal,
): Promise<FilterIndexes> {
  const s = schema.sql
  const [row] = await database.rows(
    {
      text: `select coalesce(max(version), 0), to_regclass($1) is not null, to_regclass($2) is not null
        from ${s}.migrations`,
    },
    [`${s}.events_by_category`, `${s}.events_by_type`],
    signal,
  )
  const present = Number(row![0])
  if (present > schemaVersion) throw newer(schema, present)
  if (present < schemaVersion) {
    throw new SchemaMissingError(
      `Schema "${schema.name}" is ${present === 0 ? 'empty' : `at version ${present}`}, and this store needs version ${schemaVersion}: call migrate().`,
    )
  }
  return { categories: row![1] === 't', types: row![2] === 't' }
}

/** 0 where there is nothing yet. */
async function readVersion(database: Queryable, schema: SchemaName): Promise<number> {
  const [row] = await database.rows(
    { text: `select to_regclass($1 || '.migrations') is not null` },
    [schema.sql],
  )
  return row![0] === 't' ? readVersionOfTable(database, schema) : 0
}

async function readVersionOfTable(database: Queryable, { sql: s }: SchemaName): Promise<number> {
  const [row] = await database.rows(
    { text: `select coalesce(max(version), 0) from ${s}.migrations` },
    [],
  )
  return Number(row![0])
}

function newer(schema: SchemaName, present: number): SchemaMissingError {
  return new SchemaMissingError(
    `Schema "${schema.name}" is at version ${present}, newer than the ${schemaVersion} that this store knows: upgrade @annals/postgres.`,
  )
}
