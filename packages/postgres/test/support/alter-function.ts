import type pg from 'pg'

/** Changes a function of the store, to show that what examines the store notices. */
export async function alterFunction(
  admin: pg.Pool,
  schema: string,
  name: string,
  from: string | RegExp,
  to: string,
): Promise<void> {
  const { rows } = await admin.query<{ def: string }>(
    `select pg_get_functiondef(p.oid) as def from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname = $1 and p.proname = $2`,
    [schema, name],
  )
  const def = rows[0]?.def ?? ''
  const altered = def.replace(from, to)
  if (altered === def) throw new Error(`${name} does not hold ${from}:\n${def}`)
  await admin.query(altered)
}
