import type { DynamoDbServer } from '@annals/test-servers'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'

/** A request on its way through the SDK's middleware stack, below the SDK's retries. */
export interface Call {
  /** E.g. 'TransactWriteItems'. */
  readonly operation: string
  // biome-ignore lint/suspicious/noExplicitAny: the input of any operation, looked into by tests
  readonly input: any
}

// biome-ignore lint/suspicious/noExplicitAny: the output of any operation
export type Send = () => Promise<any>

/** Decides what becomes of a request: `send` is the way to the server. */
export type Rule = (call: Call, send: Send) => ReturnType<Send>

/**
 * The place where tests get hold of requests and answers: a middleware around the SDK's deserializer, so that what it
 * throws is what the network or the service would have said.
 */
export class Wire {
  /** Requests that were sent, or tried. */
  count = 0
  /** Whether a request that the SDK has aborted is sent all the same, as one that had been on its way. */
  ignoreAborts = false
  #rule: Rule = (_, send) => send()
  #change: (call: Call) => void = () => {}

  /** Changes what is asked before it is written to the wire. */
  change(change: (call: Call) => void): void {
    this.#change = change
  }

  rule(rule: Rule): void {
    this.#rule = rule
  }

  clear(): void {
    this.#rule = (_, send) => send()
  }

  attach(client: DynamoDBClient): DynamoDBClient {
    client.middlewareStack.add(
      (next, context) => (args) => {
        this.#change({ operation: operationOf(context), input: args.input })
        return next(args)
      },
      { step: 'initialize', name: 'wireInput' },
    )
    client.middlewareStack.add(
      (next, context) => async (args) => {
        this.count++
        let metadata: unknown
        const output = await this.#rule(
          { operation: operationOf(context), input: args.input },
          async () => {
            const answer = await next(args)
            metadata = answer.response
            return answer.output
          },
        )
        return { output, response: metadata }
      },
      { step: 'deserialize', priority: 'high', name: 'wire' },
    )
    client.middlewareStack.add(
      (next) => async (args) => {
        if (!this.ignoreAborts) return next(args)
        const request = args.request as Parameters<typeof client.config.requestHandler.handle>[0]
        return client.config.requestHandler.handle(request) as never
      },
      { step: 'deserialize', priority: 'low', name: 'wireEnd' },
    )
    return client
  }
}

export function clientOf(server: DynamoDbServer, wire?: Wire): DynamoDBClient {
  const { endpoint, region, credentials } = server
  const client = new DynamoDBClient({ endpoint, region, credentials })
  return wire ? wire.attach(client) : client
}

/** The connection broke; whether the request arrived, nobody knows. */
export function connectionLost(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

/** What the service answers, as the SDK throws it. */
export function serviceError(name: string, status: number, more: object = {}): Error {
  return Object.assign(new Error(`${name} (made by a test)`), {
    name,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status },
    ...more,
  })
}

function operationOf(context: { readonly commandName?: string }): string {
  return String(context.commandName).replace(/Command$/, '')
}
