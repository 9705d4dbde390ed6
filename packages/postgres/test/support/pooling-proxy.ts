import { EventEmitter } from 'node:events'
import pg from 'pg'
import type { PgPool, PgPoolClient } from '../../src/index.js'

type Query = string | { text: string; name?: string; values?: unknown[] }

/**
 * What a proxy that pools transactions does to a client: each transaction, and each statement outside of one, goes over
 * another of its server connections. Prepared statements stay where they were prepared, settings of a session are
 * whoever's comes next, and notifications reach nobody.
 */
export class PoolingProxy {
  readonly backends: pg.Client[] = []
  readonly texts: string[] = []
  readonly #prepared = new WeakMap<pg.Client, Set<string>>()
  readonly #free: pg.Client[] = []
  readonly #waiting: ((client: pg.Client) => void)[] = []

  static async start(url: string, connections = 4): Promise<PoolingProxy> {
    const proxy = new PoolingProxy()
    for (let i = 0; i < connections; i++) {
      const client = new pg.Client(url)
      client.on('error', () => {})
      await client.connect()
      proxy.backends.push(client)
      proxy.#free.push(client)
      proxy.#prepared.set(client, new Set())
    }
    return proxy
  }

  pool(): PgPool {
    return {
      query: (text, values) => new Front(this).query(text, values),
      connect: async () => new Front(this),
    }
  }

  /** The connection that has rested longest, so that the next transaction is never on the last one's. */
  take(): Promise<pg.Client> {
    const client = this.#free.shift()
    return client ? Promise.resolve(client) : new Promise((resolve) => this.#waiting.push(resolve))
  }

  give(client: pg.Client): void {
    const next = this.#waiting.shift()
    if (next) next(client)
    else this.#free.push(client)
  }

  /** PostgreSQL's own answers to a Bind of a name that this connection does not know, and to a Parse of one that it knows. */
  run(client: pg.Client, query: Query, values: unknown[] | undefined, clientKnows: Set<string>) {
    this.texts.push(typeof query === 'string' ? query : query.text)
    if (typeof query !== 'string' && query.name !== undefined) {
      const { name, ...unnamed } = query
      const here = this.#prepared.get(client)!
      if (clientKnows.has(name) !== here.has(name)) {
        const code = here.has(name) ? '42P05' : '26000'
        throw Object.assign(new Error(`prepared statement "${name}"`), { code, severity: 'ERROR' })
      }
      clientKnows.add(name)
      here.add(name)
      return client.query(unnamed as never)
    }
    return client.query(query as never, values as never)
  }

  async close(): Promise<void> {
    await Promise.all(this.backends.map((client) => client.end()))
  }
}

class Front extends EventEmitter implements PgPoolClient {
  readonly #knows = new Set<string>()
  #pinned: pg.Client | undefined

  constructor(private readonly proxy: PoolingProxy) {
    super()
  }

  async query(query: Query, values?: unknown[]): Promise<{ rows: unknown[] }> {
    const client = this.#pinned ?? (await this.proxy.take())
    const text = (typeof query === 'string' ? query : query.text).trim().toLowerCase()
    if (text.startsWith('begin')) this.#pinned = client
    try {
      return (await this.proxy.run(client, query, values, this.#knows)) as { rows: unknown[] }
    } finally {
      if (text.startsWith('commit') || text.startsWith('rollback')) this.#pinned = undefined
      if (this.#pinned === undefined) this.proxy.give(client)
    }
  }

  release(): void {}
}
