import { type EventStore, InvalidArgumentError, type StoreOptions } from '@annals/core'
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { dynamoDbStore } from './dynamodb-store.js'
import type { DynamoDbStoreOptions } from './options.js'

/**
 * A store from a URL, for configuration in one line:
 *
 * - `dynamodb:///orders`: the table `orders`, with the SDK's region, credentials and endpoint;
 * - `dynamodb:///orders?region=eu-central-1`: in that region;
 * - `dynamodb://localhost:8000/orders`: DynamoDB Local at that address, over HTTP, in the region us-east-1 unless the URL
 *   names one. It takes any credentials, but keeps separate tables for each access key and region: `local` and `local`, or
 *   those of the URL, `dynamodb://key:secret@localhost:8000/orders`;
 * - `?gracePeriodMs=500`: see `DynamoDbStoreOptions`.
 *
 * Credentials of AWS do not belong in a URL: leave them to the SDK.
 */
export function dynamoDbStoreFromUrl(url: string, options: StoreOptions = {}): EventStore {
  return dynamoDbStore({ ...options, ...parseDynamoDbUrl(url) })
}

/** What `dynamoDbStoreFromUrl` makes of a URL. */
export function parseDynamoDbUrl(
  text: string,
): Pick<DynamoDbStoreOptions, 'table' | 'gracePeriodMs'> & { client: DynamoDBClientConfig } {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    // Without the cause: it holds the URL, and that may hold a password.
    throw malformed('is not a URL')
  }
  if (url.protocol !== 'dynamodb:') throw malformed('must begin with dynamodb://')
  const table = decodeURIComponent(url.pathname.slice(1))
  if (table === '' || table.includes('/')) {
    throw malformed('must name a table, e.g. dynamodb:///orders')
  }
  const known = new Set(['region', 'gracePeriodMs'])
  for (const name of url.searchParams.keys()) {
    if (!known.has(name)) throw malformed(`has an unknown parameter "${name}"`)
  }
  const region = url.searchParams.get('region')
  const grace = url.searchParams.get('gracePeriodMs')
  const client: DynamoDBClientConfig = {}
  if (region) client.region = region
  if (url.host) {
    client.endpoint = `http://${url.host}`
    client.region ??= 'us-east-1'
    client.credentials = {
      accessKeyId: decodeURIComponent(url.username) || 'local',
      secretAccessKey: decodeURIComponent(url.password) || 'local',
    }
  }
  return { table, client, gracePeriodMs: grace === null ? undefined : Number(grace) }
}

function malformed(problem: string): InvalidArgumentError {
  return new InvalidArgumentError('url', problem)
}
