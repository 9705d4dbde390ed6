export { type Attempt, isNoServerError, NoServerError } from './no-server-error.js'
export type { PostgresOptions, PostgresServer, PostgresSource } from './postgres/postgres-server.js'
export { availablePostgres, type PostgresOffer, startPostgres } from './postgres/start-postgres.js'
export type { TestServer } from './test-server.js'
