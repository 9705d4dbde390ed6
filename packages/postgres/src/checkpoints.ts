import type { Position } from '@annals/core'
import type { Queryable } from './database.js'
import type { SchemaName } from './schema-name.js'

export async function loadCheckpoint(
  database: Queryable,
  { sql: s }: SchemaName,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<Position | null> {
  const [row] = await database.rows(
    {
      text: `select last_position from ${s}.subscription_checkpoints where subscription_id = $1`,
      prepared: true,
    },
    [subscriptionId],
    signal,
  )
  return row?.[0] ?? null
}

/** One statement, decided under the row's lock. */
export async function saveCheckpoint(
  database: Queryable,
  schema: SchemaName,
  subscriptionId: string,
  position: Position,
  expected: Position | null | undefined,
  signal: AbortSignal,
): Promise<null | { readonly actual: Position | null }> {
  const s = schema.sql
  const values = [subscriptionId, position]
  const insert = `insert into ${s}.subscription_checkpoints as c (subscription_id, last_position) values ($1, $2)`
  const saved = await (expected === undefined
    ? database.rows(
        {
          text: `${insert} on conflict (subscription_id) do update
            set last_position = excluded.last_position, updated_at = now() returning 1`,
          prepared: true,
        },
        values,
        signal,
      )
    : expected === null
      ? database.rows(
          { text: `${insert} on conflict (subscription_id) do nothing returning 1` },
          values,
          signal,
        )
      : database.rows(
          {
            text: `update ${s}.subscription_checkpoints set last_position = $2, updated_at = now()
              where subscription_id = $1 and last_position = $3 returning 1`,
            prepared: true,
          },
          [...values, expected],
          signal,
        ))
  return saved.length > 0
    ? null
    : { actual: await loadCheckpoint(database, schema, subscriptionId, signal) }
}

export async function deleteCheckpoint(
  database: Queryable,
  { sql: s }: SchemaName,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<void> {
  await database.rows(
    { text: `delete from ${s}.subscription_checkpoints where subscription_id = $1` },
    [subscriptionId],
    signal,
  )
}
