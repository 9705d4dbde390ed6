import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { tailKey } from '../../src/keys.js'

/** Waits until the table's settled mark, which stores move in the background, has come to a ticket. */
export async function untilSettled(
  client: DynamoDBClient,
  table: string,
  ticket: number,
): Promise<void> {
  for (;;) {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: { ...tailKey }, ConsistentRead: true }),
    )
    if (Number(Item?.r?.N) >= ticket) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
