import { randomUUID } from 'node:crypto'
import { startDynamoDb } from '@annals/test-servers'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { EventStore, EventType } from '@castore/core'
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb'
import { InMemoryEventStorageAdapter } from '@castore/event-storage-adapter-in-memory'
import { PostgresEventStorageAdapter } from '@castore/event-storage-adapter-postgres'
import { emptyDatabase } from './postgres.js'

type Adapter =
  | InMemoryEventStorageAdapter
  | DynamoDBSingleTableEventStorageAdapter
  | PostgresEventStorageAdapter

/** An event store as Castore's documentation makes one, with one type of event that carries anything. */
export function castoreStore(eventStorageAdapter: Adapter) {
  return new EventStore({
    eventStoreId: 'NOTES',
    eventTypes: [new EventType<'NOTED', unknown>({ type: 'NOTED' })],
    reducer: (_: { aggregateId: string; version: number }, event) => ({
      aggregateId: event.aggregateId,
      version: event.version,
    }),
    eventStorageAdapter,
  })
}

export const memoryAdapter = () => new InMemoryEventStorageAdapter()

let server: ReturnType<typeof startDynamoDb> | undefined

/** On the DynamoDB Local in DYNAMODB_URL, or one that is started here; the table is the one of the documentation. */
export async function dynamoDbAdapter(): Promise<DynamoDBSingleTableEventStorageAdapter> {
  server ??= startDynamoDb({ announce: false })
  const { endpoint, region, credentials } = await server
  const dynamoDBClient = new DynamoDBClient({ endpoint, region, credentials })
  const tableName = `notes-${randomUUID()}`
  await dynamoDBClient.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'aggregateId', AttributeType: 'S' },
        { AttributeName: 'version', AttributeType: 'N' },
        { AttributeName: 'eventStoreId', AttributeType: 'S' },
        { AttributeName: 'timestamp', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'aggregateId', KeyType: 'HASH' },
        { AttributeName: 'version', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'initialEvents',
          KeySchema: [
            { AttributeName: 'eventStoreId', KeyType: 'HASH' },
            { AttributeName: 'timestamp', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    }),
  )
  return new DynamoDBSingleTableEventStorageAdapter({ tableName, dynamoDBClient })
}

/** On the PostgreSQL in POSTGRES_URL, or one that is started here. */
export async function postgresAdapter(tableName = 'event'): Promise<PostgresEventStorageAdapter> {
  const connectionString = await emptyDatabase()
  await PostgresEventStorageAdapter.createEventTable({ connectionString, tableName })
  return new PostgresEventStorageAdapter({ connectionString, tableName })
}
