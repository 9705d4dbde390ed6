import type { StoreOptions } from '@annals/core'

/** Options of `kurrentDbStore`: a connection string or a client, and what every store takes. */
export interface KurrentDbStoreOptions extends StoreOptions {
  /**
   * The database's address as the official client takes it, e.g.
   * `kurrentdb://user:password@node1:2113,node2:2113?tls=true`. The store opens clients of its own, replaces one that
   * has got stuck, and disposes of them in `close()`. `esdb://` is accepted as well.
   */
  readonly connectionString?: string | undefined
  /**
   * Instead of a connection string: your own client, which the store uses but never disposes of; or a function that
   * makes one, whose clients are the store's own, as with a connection string. Prefer the function: a client whose
   * first read failed never reads again, and only a new one helps.
   */
  readonly client?: KurrentDbClient | (() => KurrentDbClient) | undefined
  /**
   * Keeps this store's streams apart from others on the same server: stream `Order-1` is kept as
   * `<namespace>/Order-1`, and no other stream is ever read. Letters, digits, `_` and `.`, at most 64. Default: none;
   * the store then holds every stream of the server that is neither the system's nor the adapter's own.
   */
  readonly namespace?: string | undefined
}

/**
 * What the store uses of a `KurrentDBClient` of `@kurrent/kurrentdb-client`, to give one as an option. It is not that
 * package's own type, because its declarations (1.3) contradict those of newer Node types: an application that checks its
 * libraries (`skipLibCheck: false`) could not compile.
 */
export interface KurrentDbClient {
  appendToStream(...args: never[]): Promise<unknown>
  multiStreamAppend(...args: never[]): Promise<unknown>
  setStreamMetadata(...args: never[]): Promise<unknown>
  readStream(...args: never[]): unknown
  readAll(...args: never[]): unknown
  subscribeToStream(...args: never[]): unknown
  subscribeToAll(...args: never[]): unknown
  dispose(): Promise<void>
}
