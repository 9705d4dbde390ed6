import { SchemaMissingError } from '@annals/core'
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import { tailKey } from './keys.js'
import { pause } from './pause.js'
import type { Requests } from './requests.js'

/** The layout of items. A store of another version refuses to work on the table (SCHEMA_MISSING). */
export const schemaVersion = 1

/** The table: two string keys, no index (an index is never strongly consistent), no stream. */
export const tableDefinition: Omit<CreateTableCommandInput, 'TableName'> = {
  AttributeDefinitions: [
    { AttributeName: 'PK', AttributeType: 'S' },
    { AttributeName: 'SK', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'PK', KeyType: 'HASH' },
    { AttributeName: 'SK', KeyType: 'RANGE' },
  ],
  BillingMode: 'PAY_PER_REQUEST',
}

/**
 * Makes the table where it is not there (so that development and tests need nothing else) and the counter item where
 * that is not there (so that a table from CloudFormation or Terraform needs no right to create tables).
 */
export async function migrate(requests: Requests, signal: AbortSignal): Promise<void> {
  const found = await findCounter(requests, signal)
  if (found === schemaVersion) return
  if (found !== 'none' && found !== 'no table') {
    throw new SchemaMissingError(
      `The DynamoDB table has version ${found} of the schema; this package knows ${schemaVersion} only. Use a newer version of @annals/dynamodb.`,
    )
  }
  if (found === 'no table') await createTable(requests, signal)
  await makeCounter(requests, signal)
}

async function findCounter(
  requests: Requests,
  signal: AbortSignal,
): Promise<number | 'none' | 'no table'> {
  try {
    const { Item } = await requests.get({ Key: tailKey, ConsistentRead: true }, signal)
    return Item ? Number(Item.ver?.N) : 'none'
  } catch (error) {
    // Also while the table is being made: it is there, but does not serve yet.
    if ((error as Error).name === 'ResourceNotFoundException') return 'no table'
    throw error
  }
}

async function createTable(requests: Requests, signal: AbortSignal): Promise<void> {
  try {
    const { TableDescription } = await requests.createTable(tableDefinition, signal)
    if (TableDescription?.TableStatus === 'ACTIVE') return
  } catch (error) {
    // Another process was first.
    if ((error as Error).name !== 'ResourceInUseException') throw error
  }
  for (let look = 0; ; look++) {
    try {
      const { Table } = await requests.describeTable(signal)
      if (Table?.TableStatus === 'ACTIVE') return
    } catch (error) {
      if ((error as Error).name !== 'ResourceNotFoundException') throw error
    }
    await pause(Math.min(20 * 2 ** look, 1000), signal)
  }
}

async function makeCounter(requests: Requests, signal: AbortSignal): Promise<void> {
  try {
    await requests.put(
      {
        Item: {
          ...tailKey,
          ver: { N: String(schemaVersion) },
          n: { N: '0' },
          r: { N: '0' },
        },
        ConditionExpression: 'attribute_not_exists(PK)',
      },
      signal,
    )
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') throw error
  }
}

export function schemaMissing(): SchemaMissingError {
  return new SchemaMissingError(
    'The DynamoDB table has no counter item, so it is no event store yet: call migrate() once.',
  )
}
