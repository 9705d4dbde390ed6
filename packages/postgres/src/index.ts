export { capabilities, limits } from './capabilities.js'
export { postgresStoreFromUrl } from './from-url.js'
export type {
  PGliteLike,
  PGliteTransaction,
  PgClient,
  PgPool,
  PgPoolClient,
  PostgresStoreOptions,
} from './options.js'
export { type PostgresEventStore, postgresStore } from './postgres-store.js'
export type {
  JoinedTransaction,
  StoreTransaction,
  TransactionAppends,
  TransactionOptions,
} from './transaction.js'
