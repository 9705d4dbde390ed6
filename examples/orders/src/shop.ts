import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import { type EventStore, redactedUrl } from 'annals'
import type { Config } from './config.js'
import { ModelFile } from './model-file.js'
import { OrderService } from './order-service.js'
import { Projection, type Resumption } from './projection.js'
import { unfinishedOrders } from './read-model.js'
import { createServer } from './server.js'

/** How the service came up. */
export interface Startup {
  readonly url: string
  readonly resumed: Resumption
  /** How many orders an earlier process had left half done; they are done now. */
  readonly finished: number
}

/** The running service. The store is the caller's to open and close. */
export class Shop {
  readonly startup: Startup
  readonly #server: ServerType
  readonly #projection: Projection

  private constructor(startup: Startup, server: ServerType, projection: Projection) {
    this.startup = startup
    this.#server = server
    this.#projection = projection
  }

  /** Makes what is missing, brings the read model up to date, ends what an earlier process had begun, and then takes requests. */
  static async open(
    store: EventStore,
    { store: storeUrl, port, readModel }: Pick<Config, 'store' | 'port' | 'readModel'>,
  ): Promise<Shop> {
    const service = new OrderService(store)
    const file = new ModelFile(readModel, redactedUrl(storeUrl))
    const projection = new Projection(store, file)
    await file.prepare()
    await store.migrate()
    await projection.start()
    const unfinished = unfinishedOrders(projection.model)
    for (const orderId of unfinished) await service.settle(orderId)
    const app = createServer(service, projection)
    const server = await listen(app.fetch, port)
    const { port: bound } = server.address() as AddressInfo
    const startup = {
      url: `http://127.0.0.1:${bound}`,
      resumed: projection.resumed,
      finished: unfinished.length,
    }
    return new Shop(startup, server, projection)
  }

  /** Answers what was asked, and keeps the read model. */
  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve)
      if ('closeIdleConnections' in this.#server) this.#server.closeIdleConnections()
    })
    await this.#projection.stop()
  }
}

function listen(fetch: Parameters<typeof serve>[0]['fetch'], port: number): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, port, hostname: '127.0.0.1' }, () => resolve(server))
    server.once('error', reject)
  })
}
