import { afterEach, expect, test } from 'vitest'
import { type DynamoDbServer, startDynamoDb } from '../src/index.js'

let server: DynamoDbServer | undefined
afterEach(async () => {
  await server?.stop()
})

test('DynamoDB Local starts, and keeps its tables over a kill when asked to', async () => {
  server = await startDynamoDb({ source: 'npm', disk: true })
  expect(server.describe()).toMatch(/^DynamoDB Local \d+\.\d+\.\d+ from npm .* \(on disk\)$/)
  await request(server, 'CreateTable', {
    TableName: 'kept',
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  })
  await server.kill()
  await expect(request(server, 'ListTables', {})).rejects.toThrow()
  await server.restart()
  expect(await request(server, 'ListTables', {})).toEqual({ TableNames: ['kept'] })
})

test('without Java, the error says how to get a server', async () => {
  const { PATH, JAVA_HOME } = process.env
  process.env.PATH = '/nonexistent'
  process.env.JAVA_HOME = ''
  try {
    await expect(startDynamoDb({ source: 'npm' })).rejects.toMatchObject({
      code: 'NO_SERVER',
      message: expect.stringMatching(
        /no java on the PATH[\s\S]*DYNAMODB_URL[\s\S]*Java[\s\S]*docker compose up/,
      ),
    })
  } finally {
    process.env.PATH = PATH
    if (JAVA_HOME === undefined) delete process.env.JAVA_HOME
    else process.env.JAVA_HOME = JAVA_HOME
  }
})

/** One call of the API; the emulator wants a signature to be there, and does not check it. */
async function request(
  { endpoint, region, credentials }: DynamoDbServer,
  operation: string,
  body: object,
): Promise<unknown> {
  const scope = `${credentials.accessKeyId}/20200101/${region}/dynamodb/aws4_request`
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${operation}: ${await response.text()}`)
  return response.json()
}
