import { InvalidArgumentError, type StoreOptions } from '@annals/core'
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Client } from './requests.js'

/** The options of `dynamoDbStore`. */
export interface DynamoDbStoreOptions extends StoreOptions {
  /** The table's name (or ARN). */
  readonly table: string
  /**
   * The client to use: one of yours, which `close()` leaves open, or the configuration of a client of the store's own.
   * Default: the SDK's defaults (region and credentials from the environment).
   */
  readonly client?: DynamoDBDocumentClient | DynamoDBClient | DynamoDBClientConfig | undefined
  /**
   * For how long, by its own clock, a reader waits for a ticket that was taken and not used before it fills the place and
   * goes on, in milliseconds. Default: 1000. It bounds how long a writer that died holds readers up. A live writer that
   * is slower loses one attempt and goes again; nothing but time depends on the value.
   */
  readonly gracePeriodMs?: number | undefined
  /** How long one request may take before the store gives it up and finds out what became of it, in milliseconds. Default: 5000. */
  readonly requestTimeoutMs?: number | undefined
}

export interface Settings {
  readonly table: string
  readonly gracePeriodMs: number
  readonly requestTimeoutMs: number
}

export function settingsOf(options: DynamoDbStoreOptions): Settings {
  const { table, gracePeriodMs = 1000, requestTimeoutMs = 5000 } = options
  if (typeof table !== 'string' || table === '') {
    throw new InvalidArgumentError('options.table', 'must be the name of a DynamoDB table')
  }
  if (!(Number.isFinite(gracePeriodMs) && gracePeriodMs >= 0)) {
    throw new InvalidArgumentError(
      'options.gracePeriodMs',
      'must be a number of milliseconds from 0',
    )
  }
  if (!(Number.isFinite(requestTimeoutMs) && requestTimeoutMs > 0)) {
    throw new InvalidArgumentError(
      'options.requestTimeoutMs',
      'must be a number of milliseconds above 0',
    )
  }
  return { table, gracePeriodMs, requestTimeoutMs }
}

export function isClient(client: Client | DynamoDBClientConfig): client is Client {
  return 'send' in client && typeof client.send === 'function'
}
