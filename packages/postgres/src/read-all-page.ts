import { categoryOf, type Filter } from '@annals/core'
import { textArray } from './array-literal.js'
import type { Row, Statement, Value } from './database.js'
import { eventColumns, placeOfRow } from './events.js'
import type { Place } from './positions.js'
import type { SchemaName } from './schema-name.js'

export interface PageBounds {
  readonly forwards: boolean
  /** Exclusive; null: the end where the reading starts. */
  readonly from: Place | null
  /** Nothing above it is read. */
  readonly head: Place
}

export interface AllPage {
  readonly statement: Statement
  readonly values: readonly Value[]
  /** The events of the answer, and how far it looked; null: to the end. */
  read(rows: readonly Row[]): { rows: readonly Row[]; reached: Place | null }
}

/** Which of the indexes that may be dropped are there. */
export interface FilterIndexes {
  readonly categories: boolean
  readonly types: boolean
}

/** Precedes every event. */
const beginning: Place = { epoch: 0, transaction: '0', sequence: '0' }

/** How many rows a filter that no index serves looks at for one page, at most. */
const scanAtMost = 4000

/**
 * One page of the global order. A page never looks at more than a bounded number of rows, however little a filter lets
 * through, and always says how far it looked.
 *
 * An index leads to the rows of a list of categories, or else of types: for each item of the list a short index scan in
 * the global order, so that the page costs about as much as the rows it gives. What else the filter demands is checked on
 * those rows.
 */
export function allPage(
  { sql: s }: SchemaName,
  { forwards, from, head }: PageBounds,
  filter: Filter | null,
  asked: number,
  indexes: FilterIndexes,
): AllPage {
  const values: Value[] = []
  const bind = (value: Value) => `$${values.push(value)}`
  const bindPlace = ({ epoch, transaction, sequence }: Place) =>
    `(${bind(epoch)}::integer, ${bind(transaction)}::xid8, ${bind(sequence)}::bigint)`
  // One parameter, however long the list: a statement has at most 65,535, and PostgreSQL's JIT takes half a second to
  // compile an expression for each of 2,000.
  const bindList = (items: readonly string[]) => `${bind(textArray(items))}::text[]`
  const place = (alias: string) =>
    `(${alias}.epoch, ${alias}.transaction_id, ${alias}.global_position)`
  const order = (alias: string) => {
    const direction = forwards ? 'asc' : 'desc'
    return `${alias}.epoch ${direction}, ${alias}.transaction_id ${direction}, ${alias}.global_position ${direction}`
  }
  const { key, rest } = plan(filter, indexes)
  const checks = rest.map(({ kind, items }) =>
    kind === 'prefixes'
      ? `e.stream_id ^@ any (${bindList(items)})`
      : `e.${kind} = any (${bindList(items)})`,
  )

  // An item of the key is not compared for equality but as the first part of the place: then only the key's own index
  // has this order, and the planner cannot prefer to look for the item all along the global one.
  const within = (item: string) => {
    const [start, stop] = forwards ? [from ?? beginning, head] : [beginning, from ?? head]
    const [above, upTo] = [bindPlace(start), bindPlace(stop)]
    const limit = forwards || from === null ? '<=' : '<'
    if (!key) return `${place('e')} > ${above} and ${place('e')} ${limit} ${upTo}`
    const keyed = `(e.${key.kind}, ${place('e').slice(1)}`
    return `${keyed} > (${item}, ${above.slice(1)} and ${keyed} ${limit} (${item}, ${upTo.slice(1)}`
  }
  const inOrder = key ? `e.${key.kind} ${forwards ? 'asc' : 'desc'}, ${order('e')}` : order('e')

  if (checks.length === 0 && (key === null || key.items.length === 1)) {
    const item = key ? `${bind(key.items[0]!)}::text` : ''
    return {
      statement: {
        text: `select ${eventColumns('e')} from ${s}.events e where ${within(item)}
          order by ${inOrder} limit ${bind(asked)}`,
        // A filter's items differ so much in how many events they have that each is planned for itself.
        prepared: key === null,
      },
      values,
      read: (rows) => ({
        rows,
        reached: rows.length < asked ? null : placeOfRow(rows.at(-1)!),
      }),
    }
  }

  const keys = key ? bindList(key.items) : `array['']`
  const each =
    checks.length === 0
      ? asked
      : Math.max(asked, Math.ceil(Math.min(scanAtMost, asked * 8) / (key?.items.length ?? 1)))
  const bindEach = bind(each)
  return {
    statement: {
      // "scanned": the next rows of each item. "reached": an item with as many rows as were asked for may have more behind
      // its last one, so nothing counts beyond the nearest of those.
      text: `with scanned as materialized (
          select k.n, e.* from unnest(${keys}) with ordinality as k (item, n) cross join lateral (
            select ${eventColumns('e')
              .replace(/encode\(e\.(\w+), 'hex'\)/g, 'e.$1')
              .replace(/extract\(epoch from e\.created_at\)/, 'e.created_at')},
              ${checks.length === 0 ? 'true' : checks.join(' and ')} as hit
            from ${s}.events e where ${within('k.item')} order by ${inOrder} limit ${bindEach}
          ) e
        ), reached as (
          select l.epoch, l.transaction_id, l.global_position from (
            select x.*, row_number() over (partition by x.n order by ${order('x')}) as place from scanned x
          ) l where l.place = ${bindEach} order by ${order('l')} limit 1
        ), hits as (
          select x.* from scanned x where x.hit
            and (not exists (select from reached) or ${place('x')} ${forwards ? '<=' : '>='} (select ${place('r').slice(1, -1)} from reached r))
          order by ${order('x')} limit ${bind(asked)}
        )
        select ${eventColumns('h')}, r.epoch, r.transaction_id, r.global_position
        from (select) as one left join reached r on true left join hits h on true order by ${order('h')}`,
    },
    values,
    read: (rows) => {
      const found = rows.filter((row) => row[0] !== null)
      if (found.length === asked) return { rows: found, reached: placeOfRow(found.at(-1)!) }
      const [epoch, transaction, sequence] = rows[0]!.slice(13)
      return {
        rows: found,
        reached:
          epoch == null
            ? null
            : { epoch: Number(epoch), transaction: transaction!, sequence: sequence! },
      }
    },
  }
}

interface Condition {
  readonly kind: 'stream_type' | 'event_type' | 'prefixes'
  readonly items: readonly string[]
}

/** Which list an index serves, and what is left to check. */
function plan(
  filter: Filter | null,
  indexes: FilterIndexes,
): { key: Condition | null; rest: readonly Condition[] } {
  const { categories, types, streamPrefixes } = filter ?? {}
  const byCategory = categories && { kind: 'stream_type' as const, items: categories }
  const byType = types && { kind: 'event_type' as const, items: types }
  const byPrefix = streamPrefixes && { kind: 'prefixes' as const, items: streamPrefixes }
  const all = [byCategory, byType, byPrefix].filter((condition) => condition !== undefined)
  const without = (key: Condition) => ({ key, rest: all.filter((other) => other !== key) })

  if (indexes.categories) {
    if (byCategory) return without(byCategory)
    // A prefix with a dash names a whole category before it.
    if (streamPrefixes?.every((prefix) => prefix.includes('-'))) {
      const items = [...new Set(streamPrefixes.map(categoryOf))]
      return { key: { kind: 'stream_type', items }, rest: all }
    }
  }
  if (indexes.types && byType) return without(byType)
  return { key: null, rest: all }
}
