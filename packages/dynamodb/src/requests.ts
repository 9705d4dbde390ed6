import { setMaxListeners } from 'node:events'
import {
  type $Command,
  BatchGetItemCommand,
  CreateTableCommand,
  type CreateTableCommandInput,
  type CreateTableCommandOutput,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  type DeleteItemCommandOutput,
  DescribeTableCommand,
  type DescribeTableCommandOutput,
  type DynamoDBClient,
  type DynamoDBClientResolvedConfig,
  GetItemCommand,
  type GetItemCommandInput,
  type GetItemCommandOutput,
  PutItemCommand,
  type PutItemCommandInput,
  type PutItemCommandOutput,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandInput,
  type ScanCommandOutput,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
  type TransactWriteItemsCommandOutput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb'
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Item, Key } from './keys.js'

export type Client = DynamoDBClient | DynamoDBDocumentClient

/** Raised where a request had no answer in time. */
export class RequestTimeoutError extends Error {
  override readonly name = 'TimeoutError'
  constructor(milliseconds: number) {
    super(`no answer from DynamoDB within ${milliseconds} ms`)
  }
}

/**
 * Carries a failure past the SDK's own retries, which know an error by its name, its status and its `cause`, and so see
 * nothing to retry here.
 */
class OneAttempt extends Error {
  constructor(readonly failure: unknown) {
    super('one attempt of the store')
  }
}

type Without<I> = Omit<I, 'TableName'>

/** Sends requests about one table: one attempt each, with a time-out, ended at once by an abort. */
export class Requests {
  constructor(
    private readonly client: Client,
    readonly table: string,
    private readonly timeoutMs: number,
  ) {}

  get(input: Without<GetItemCommandInput>, signal: AbortSignal): Promise<GetItemCommandOutput> {
    return this.#send(new GetItemCommand({ TableName: this.table, ...input }), signal)
  }

  put(input: Without<PutItemCommandInput>, signal: AbortSignal): Promise<PutItemCommandOutput> {
    return this.#send(new PutItemCommand({ TableName: this.table, ...input }), signal)
  }

  update(
    input: Without<UpdateItemCommandInput>,
    signal: AbortSignal,
  ): Promise<UpdateItemCommandOutput> {
    return this.#send(new UpdateItemCommand({ TableName: this.table, ...input }), signal)
  }

  delete(
    input: Without<DeleteItemCommandInput>,
    signal: AbortSignal,
  ): Promise<DeleteItemCommandOutput> {
    return this.#send(new DeleteItemCommand({ TableName: this.table, ...input }), signal)
  }

  query(input: Without<QueryCommandInput>, signal: AbortSignal): Promise<QueryCommandOutput> {
    return this.#send(new QueryCommand({ TableName: this.table, ...input }), signal)
  }

  scan(input: Without<ScanCommandInput>, signal: AbortSignal): Promise<ScanCommandOutput> {
    return this.#send(new ScanCommand({ TableName: this.table, ...input }), signal)
  }

  transactWrite(
    input: TransactWriteItemsCommandInput,
    signal: AbortSignal,
  ): Promise<TransactWriteItemsCommandOutput> {
    return this.#send(new TransactWriteItemsCommand(input), signal)
  }

  async batchGet(
    keys: readonly Key[],
    consistent: boolean,
    signal: AbortSignal,
  ): Promise<{ readonly items: Item[]; readonly unprocessed: Item[] }> {
    const output = await this.#send(
      new BatchGetItemCommand({
        RequestItems: { [this.table]: { Keys: [...keys], ConsistentRead: consistent } },
      }),
      signal,
    )
    // The answer names the table as the request did, but a table given by its ARN may come back under its name.
    return {
      items: Object.values(output.Responses ?? {}).flat(),
      unprocessed: Object.values(output.UnprocessedKeys ?? {}).flatMap(({ Keys }) => Keys ?? []),
    }
  }

  createTable(
    input: Without<CreateTableCommandInput>,
    signal: AbortSignal,
  ): Promise<CreateTableCommandOutput> {
    return this.#send(new CreateTableCommand({ TableName: this.table, ...input }), signal)
  }

  describeTable(signal: AbortSignal): Promise<DescribeTableCommandOutput> {
    return this.#send(new DescribeTableCommand({ TableName: this.table }), signal)
  }

  destroy(): void {
    this.client.destroy()
  }

  /**
   * The store counts retries itself, within its own budget; were the SDK to retry below it, the two would multiply. And
   * what became of a write that had no answer is found out by the protocol, not by sending it again.
   */
  async #send<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    command: $Command<I, O, DynamoDBClientResolvedConfig>,
    signal: AbortSignal,
  ): Promise<O> {
    signal.throwIfAborted()
    // One call may have dozens of requests under way, which is no leak of listeners to warn of.
    setMaxListeners(0, signal)
    command.middlewareStack.add(oneAttempt, {
      step: 'finalizeRequest',
      priority: 'low',
      name: 'annalsOneAttempt',
    })
    const controller = new AbortController()
    let stop: (reason: unknown) => void = () => {}
    const stopped = new Promise<never>((_, reject) => {
      stop = (reason) => {
        reject(reason)
        controller.abort(reason)
      }
    })
    const onAbort = () => stop(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(() => stop(new RequestTimeoutError(this.timeoutMs)), this.timeoutMs)
    try {
      // Both clients take the low-level commands: values are marshalled here, so that a document client's own rules for
      // them (wrapped numbers, empty values) do not matter.
      const client = this.client as DynamoDBClient
      const answer = client.send(command, { abortSignal: controller.signal })
      // Also where a middleware of the client holds the request and does not see the abort.
      return await Promise.race([answer, stopped])
    } catch (error) {
      throw error instanceof OneAttempt ? error.failure : error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }
}

function oneAttempt<A, R>(next: (args: A) => Promise<R>) {
  return async (args: A): Promise<R> => {
    try {
      return await next(args)
    } catch (error) {
      throw new OneAttempt(error)
    }
  }
}
