import {
  createEventStore,
  type EventStore,
  InvalidArgumentError,
  type StoreDriver,
  type StoreOptions,
} from '@annals/core'
import { appender, streamVersion } from './append.js'
import { capabilities, limits } from './capabilities.js'
import { deleteCheckpoint, loadCheckpoint, saveCheckpoint } from './checkpoints.js'
import type { SqliteStoreOptions } from './options.js'
import { defaultPageSize, type PageSize } from './page-size.js'
import { origin, positionPattern } from './positions.js'
import { headPosition, readAll } from './read-all.js'
import { readStream } from './read-stream.js'
import { migrate } from './schema.js'
import { deleteSnapshot, loadSnapshot, saveSnapshot } from './snapshots.js'
import { SqliteFile } from './sqlite-file.js'
import { translateError } from './translate-error.js'
import { watch } from './watch.js'

/**
 * An event store in a file of SQLite, for any number of processes of one machine. Nothing is opened before the first call.
 * @throws INVALID_ARGUMENT for what is no path of a file.
 */
export function sqliteStore(options: SqliteStoreOptions): EventStore {
  const { file, readOnly, watchIntervalMs = 25, pageSize } = options
  const opened = typeof file === 'string' ? new SqliteFile(file, { readOnly }) : file
  return createEventStore(
    sqliteDriver(opened, watchIntervalMs, { ...defaultPageSize, ...pageSize }),
    options,
  )
}

/**
 * The store of a URL: `sqlite:./data.db`, `sqlite:/var/lib/data.db` or `sqlite:///var/lib/data.db`, with `?readOnly=true`
 * for reading only. For `registerScheme` of the package `annals`.
 * @throws INVALID_ARGUMENT
 */
export function sqliteStoreFromUrl(url: string, options: StoreOptions = {}): EventStore {
  const { protocol, host, pathname, searchParams, hash } = new URL(url)
  const unknown = [...searchParams.keys()].filter((name) => name !== 'readOnly')
  const readOnly = searchParams.get('readOnly') ?? 'false'
  if (protocol !== 'sqlite:' || host !== '' || hash !== '') {
    throw new InvalidArgumentError('url', 'must be sqlite: and the path of a file')
  }
  if (unknown.length > 0 || !['true', 'false'].includes(readOnly)) {
    throw new InvalidArgumentError('url', 'takes readOnly=true or readOnly=false, and nothing else')
  }
  const file = decodeURIComponent(pathname)
  return sqliteStore({ ...options, file, readOnly: readOnly === 'true' })
}

function sqliteDriver(file: SqliteFile, watchIntervalMs: number, size: PageSize): StoreDriver {
  return {
    name: 'sqlite',
    capabilities,
    limits,
    positionPattern,
    origin,
    ...appender(file),
    readStream: (query) => readStream(file, query, size),
    readAll: (query) => readAll(file, query, size),
    watch: (onNews, onLost) => watch(file, watchIntervalMs, onNews, onLost),
    streamVersion: async (streamId) => streamVersion(file.reader, streamId),
    headPosition: async () => headPosition(file),
    loadCheckpoint: (id) => loadCheckpoint(file, id),
    saveCheckpoint: (id, position, expected) => saveCheckpoint(file, id, position, expected),
    deleteCheckpoint: (id) => deleteCheckpoint(file, id),
    loadSnapshot: (streamId) => loadSnapshot(file, streamId),
    saveSnapshot: (streamId, version, state) => saveSnapshot(file, streamId, version, state),
    deleteSnapshot: (streamId) => deleteSnapshot(file, streamId),
    migrate: async () => migrate(file),
    close: async () => file.close(),
    translateError: (error) => translateError(error, file.path),
  }
}
