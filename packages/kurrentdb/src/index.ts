export { kurrentDbStore, kurrentDbStoreFromUrl } from './kurrentdb-store.js'
export type { KurrentDbStoreOptions } from './options.js'
