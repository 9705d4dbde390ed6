/**
 * PostgreSQL's text form of a one-dimensional array (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO).
 * Written here because a client's own conversion differs between `pg` and PGlite, and is slower than need be.
 */
export function textArray(items: readonly (string | null)[]): string {
  let text = '{'
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!
    if (i > 0) text += ','
    text += item === null ? 'NULL' : `"${item.replace(special, '\\$&')}"`
  }
  return `${text}}`
}

/** For items that need no quotes: numbers and UUIDs. */
export function plainArray(items: readonly (string | number)[]): string {
  return `{${items.join(',')}}`
}

const special = /["\\]/g
