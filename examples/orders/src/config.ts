import { parseArgs } from 'node:util'

export interface Config {
  /** The event store's URL: the only place where the database is named. */
  readonly store: string
  /** True: the service stays up. False: a day of trade is run on it. */
  readonly serve: boolean
  /** 0: a free one. */
  readonly port: number
  /** Where the read model is kept. */
  readonly readModel: string
  /** How many orders the day has. */
  readonly orders: number
  /** The same seed gives the same requests. */
  readonly seed: number
  /** Whether the service is killed in the middle of the day. */
  readonly crash: boolean
}

export const usage = `Options:
  --store <url>        the event store, e.g. memory:, pglite:./data/orders, postgres://user@host/database
                       (default: ANNALS_URL, else pglite:./data/orders)
  --orders <number>    orders in the day of trade (default 2000)
  --seed <number>      another seed, other requests (default 1)
  --no-crash           do not kill the service in the middle of the day
  --serve              keep the service up instead, for curl
  --port <number>      port of the service (default 8080 with --serve, else a free one)
  --read-model <file>  where the read model is kept (default ./data/orders-read-model.json)
  --help`

/** Null: the usage was asked for. @throws Error with a message for the user. */
export function configFrom(args: readonly string[], env: NodeJS.ProcessEnv): Config | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      store: { type: 'string' },
      orders: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      'no-crash': { type: 'boolean', default: false },
      serve: { type: 'boolean', default: false },
      port: { type: 'string' },
      'read-model': { type: 'string', default: './data/orders-read-model.json' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  return {
    store: values.store ?? (env.ANNALS_URL || 'pglite:./data/orders'),
    serve: values.serve,
    port: whole('--port', values.port ?? (values.serve ? '8080' : '0'), 0, 65535),
    readModel: values['read-model'],
    orders: whole('--orders', values.orders, 1, 1_000_000),
    seed: whole('--seed', values.seed, 0, 2 ** 32 - 1),
    crash: !values['no-crash'],
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new Error(`${name} must be a whole number from ${least} to ${most}, not "${text}"`)
}
