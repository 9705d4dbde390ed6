export { dynamoDbStore } from './dynamodb-store.js'
export { dynamoDbStoreFromUrl, parseDynamoDbUrl } from './from-url.js'
export type { DynamoDbStoreOptions } from './options.js'
export { tableDefinition } from './schema.js'
