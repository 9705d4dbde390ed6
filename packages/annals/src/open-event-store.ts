import { type EventStore, InvalidArgumentError, type StoreOptions } from '@annals/core'
import { adapters } from './adapters.js'
import { factoryFor } from './schemes.js'

/**
 * Opens the event store that a URL names. The adapter for its scheme is loaded when it is asked for, so that only the
 * one in use needs to be installed.
 *
 * | URL | Store | Packages beside `annals` |
 * | --- | --- | --- |
 * | `memory:` | this process's memory; each is an empty one of its own | none |
 * | `pglite:./data`, `pglite:/var/data`, `pglite:memory` | PGlite in a folder, or in memory | `@annals/postgres @electric-sql/pglite` |
 * | `postgres://…`, `postgresql://…`, with `?schema=` | PostgreSQL | `@annals/postgres` |
 * | `dynamodb:///table?region=…` | Amazon DynamoDB | `@annals/dynamodb` |
 * | `kurrentdb://…`, `esdb://…`, also with `+discover` | KurrentDB, EventStoreDB | `@annals/kurrentdb` |
 * | what `registerScheme` added | | |
 *
 * Nothing is sent: the store connects at its first call. Call `migrate()` before the first use of a new database.
 * No message of an error contains the URL, because it may hold a password.
 *
 * @throws INVALID_ARGUMENT for what is no URL, or whose scheme is unknown.
 * @throws UNSUPPORTED where the adapter is not installed (`AdapterNotInstalledError`, with the command that installs it)
 * or cannot be used (`AdapterBrokenError`).
 */
export async function openEventStore(
  url: string | URL,
  options: StoreOptions = {},
): Promise<EventStore> {
  const text = String(url)
  const factory = await factoryFor(schemeOf(text))
  return factory(text, options)
}

/** Not by the URL class, which refuses the several hosts of a cluster's connection string: the adapter knows better. */
function schemeOf(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]
  if (scheme === undefined) {
    throw new InvalidArgumentError(
      'url',
      `must be a URL such as ${['memory:', ...adapters.map(({ example }) => example)].join(', ')}`,
    )
  }
  return scheme.toLowerCase()
}
