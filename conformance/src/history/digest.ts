import { createHash } from 'node:crypto'

/** A short digest of JSON values or bytes, the same for equal values whatever the order of their keys. */
export function digestOf(...values: readonly unknown[]): string {
  const hash = createHash('sha1')
  for (const value of values) {
    if (value instanceof Uint8Array) hash.update('bytes').update(value)
    else hash.update(canonical(value))
    hash.update('\n')
  }
  return hash.digest('base64url').slice(0, 12)
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`
}
