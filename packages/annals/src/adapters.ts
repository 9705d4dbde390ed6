/** What serves the schemes of one database. */
export interface Adapter {
  /** Without the colon. */
  readonly schemes: readonly string[]
  /** How such a URL looks, for messages. */
  readonly example: string
  /** What must be installed; the first has the entry point. */
  readonly packages: readonly [string, ...string[]]
  /** The exported function `(url: string, options: StoreOptions) => EventStore` of the first package. */
  readonly entryPoint: string
}

/** Which package serves which scheme. The only place that knows. */
export const adapters: readonly Adapter[] = [
  {
    schemes: ['pglite'],
    example: 'pglite:./data',
    // The adapter leaves PGlite to whoever uses it: it is 20 MB that a service on PostgreSQL does not need.
    packages: ['@annals/postgres', '@electric-sql/pglite'],
    entryPoint: 'postgresStoreFromUrl',
  },
  {
    schemes: ['postgres', 'postgresql'],
    example: 'postgres://user@host:5432/database?schema=annals',
    packages: ['@annals/postgres'],
    entryPoint: 'postgresStoreFromUrl',
  },
  {
    schemes: ['dynamodb'],
    example: 'dynamodb:///table?region=eu-central-1',
    packages: ['@annals/dynamodb'],
    entryPoint: 'dynamoDbStoreFromUrl',
  },
  {
    schemes: ['kurrentdb', 'kurrentdb+discover', 'esdb', 'esdb+discover'],
    example: 'kurrentdb://host:2113?tls=false',
    packages: ['@annals/kurrentdb'],
    entryPoint: 'kurrentDbStoreFromUrl',
  },
]
