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

/**
 * The same for JSON texts, three times as fast. JSON's string escapes are those of an array for quotes and backslashes; the
 * others, for control characters and lone surrogates, do not come up, as JSON text has none of them bare.
 */
export function jsonArray(items: readonly (string | null)[]): string {
  return `{${items.map((item) => (item === null ? 'NULL' : JSON.stringify(item))).join(',')}}`
}

/** For items that need no quotes: numbers and UUIDs. */
export function plainArray(items: readonly (string | number)[]): string {
  return `{${items.join(',')}}`
}

const special = /["\\]/g
