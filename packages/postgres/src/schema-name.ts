import { InvalidArgumentError } from '@annals/core'

/** What follows from the schema's name, wherever SQL needs it. */
export interface SchemaName {
  readonly name: string
  /** As an SQL identifier. */
  readonly sql: string
  /**
   * The two keys of the store's advisory locks. The first stands for this library, the second for the schema. Writers
   * share the lock `(writers, key)`; `(migration, key)` is taken by one migration at a time. `(streams, …)`, with a hash of
   * the stream and the key, is where writers of a contended stream stand in line.
   */
  readonly locks: {
    readonly writers: number
    readonly migration: number
    readonly streams: number
    readonly key: number
  }
  /** A setting that says, for the length of a transaction, that it took the writers' lock before it had an xid. */
  readonly setting: string
  /** The channel of LISTEN and NOTIFY. */
  readonly channel: string
}

export function schemaName(name: string): SchemaName {
  // A name of this form needs no second thought inside function bodies, settings and channels.
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,47}$/.test(name) || /^pg_/i.test(name)) {
    throw new InvalidArgumentError(
      'schema',
      `must be a name of at most 48 letters, digits and underscores that does not start with a digit or "pg_", not ${JSON.stringify(name)}`,
    )
  }
  const key = fnv1a(name)
  return {
    name,
    sql: `"${name}"`,
    locks: { writers: 0x616e6e6c, migration: 0x616e6e6d, streams: 0x616e6e6e, key },
    setting: `annals.entered_${(key >>> 0).toString(16)}`,
    channel: `annals_${name}`,
  }
}

/** A signed 32-bit hash. Two schemas of one database with the same hash would only wait for each other's writers. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  return hash | 0
}
