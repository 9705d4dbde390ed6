import type { Filter } from '@annals/core'

export interface Condition {
  readonly sql: string
  readonly parameters: readonly string[]
}

// SQLite refuses expressions that are nested more than 1,000 deep, as a long chain of OR is.
const maxAlternatives = 200

/** A filter as a condition, or null where it has more alternatives than SQL takes. */
export function filterCondition(filter: Filter | null): Condition | null {
  const { categories = [], streamPrefixes = [], types = [] } = filter ?? {}
  if (categories.length + streamPrefixes.length + types.length > maxAlternatives) return null

  const terms: Condition[] = []
  if (categories.length > 0) terms.push(oneOf('category', categories))
  if (types.length > 0) terms.push(oneOf('type', types))
  if (streamPrefixes.length > 0) terms.push(startsWith(streamPrefixes))
  return {
    sql: terms.length === 0 ? 'TRUE' : terms.map((term) => term.sql).join(' AND '),
    parameters: terms.flatMap((term) => term.parameters),
  }
}

function oneOf(column: string, values: readonly string[]): Condition {
  return { sql: `${column} IN (${values.map(() => '?').join(', ')})`, parameters: values }
}

/**
 * Ranges, not LIKE: in a LIKE pattern `%` and `_` are wildcards, and it takes `order` for `Order`. SQLite compares text as
 * the bytes of its UTF-8, whose order is that of the code points (and not that of JavaScript's strings: `prefix + '\uffff'`
 * would end the range before the first emoji).
 */
function startsWith(prefixes: readonly string[]): Condition {
  const ranges = prefixes.map((prefix): Condition => {
    const end = successor(prefix)
    return end === null
      ? { sql: 'stream_id >= ?', parameters: [prefix] }
      : { sql: '(stream_id >= ? AND stream_id < ?)', parameters: [prefix, end] }
  })
  return {
    sql: `(${ranges.map((range) => range.sql).join(' OR ')})`,
    parameters: ranges.flatMap((range) => range.parameters),
  }
}

/** The first text, in the order of code points, above all that begin with `prefix`; null where there is none. */
function successor(prefix: string): string | null {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!)
  while (points.length > 0) {
    const last = points.pop()!
    if (last === 0x10ffff) continue
    // The surrogates are no characters.
    points.push(last === 0xd7ff ? 0xe000 : last + 1)
    return String.fromCodePoint(...points)
  }
  return null
}
