export {
  type DynamoDbOptions,
  type DynamoDbServer,
  type DynamoDbSource,
  startDynamoDb,
} from './dynamodb.js'
export {
  type KurrentDbOptions,
  type KurrentDbServer,
  type KurrentDbSource,
  startKurrentDb,
} from './kurrentdb.js'
export { type Attempt, isNoServerError, NoServerError } from './no-server-error.js'
export type { PostgresOptions, PostgresServer, PostgresSource } from './postgres/postgres-server.js'
export { availablePostgres, type PostgresOffer, startPostgres } from './postgres/start-postgres.js'
export { startTcpProxy } from './tcp-proxy/start-tcp-proxy.js'
export type {
  ArmedCut,
  DataHook,
  Direction,
  ProxiedConnection,
  TcpProxy,
  Verdict,
} from './tcp-proxy/tcp-proxy.js'
export type { TestServer } from './test-server.js'
