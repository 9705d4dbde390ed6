import type { StoreOptions } from '@annals/core'
import type { PageSize } from './page-size.js'
import type { SqliteFile } from './sqlite-file.js'

export interface SqliteStoreOptions extends StoreOptions {
  /**
   * The path of the database's file, on a local disk. `migrate()` creates it. Or a `SqliteFile` of your own, where its
   * connections should do more than SQLite does; the store closes it.
   */
  readonly file: string | SqliteFile
  /** Opens the file for reading only: what would write fails with ACCESS_DENIED. Default: false. */
  readonly readOnly?: boolean | undefined
  /** How much one step of a read takes on. Default: 256 events, 1 MiB, 2,000 events looked at. */
  readonly pageSize?: Partial<PageSize> | undefined
  /** How often a subscription looks for the commits of other processes, in milliseconds. Default: 25. */
  readonly watchIntervalMs?: number | undefined
}
