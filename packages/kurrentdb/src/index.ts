export { kurrentDbStore, kurrentDbStoreFromUrl } from './kurrentdb-store.js'
export type { KurrentDbClient, KurrentDbStoreOptions } from './options.js'
