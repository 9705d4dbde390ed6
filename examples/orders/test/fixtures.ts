import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type EventStore, openEventStore } from 'annals'
import { onTestFinished } from 'vitest'
import type { Config } from '../src/config.js'
import { Shop } from '../src/shop.js'
import type { Launch } from '../src/simulation/host.js'

/** The program as it stands in `src`, so that no test runs against a stale build. */
export const launch: Launch = {
  program: fileURLToPath(new URL('../src/main.ts', import.meta.url)),
  execArgv: ['--conditions=annals:source', '--import', 'tsx'],
}

/** A folder of the test's own. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'annals-orders-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The configuration of a test: everything of its own. */
export function configOf(store: string, folder: string, more: Partial<Config> = {}): Config {
  const readModel = join(folder, 'read-model.json')
  const config = { store, serve: false, port: 0, readModel, orders: 100, seed: 1, crash: true }
  return { ...config, ...more }
}

export interface OpenShop {
  readonly store: EventStore
  readonly url: string
  readonly shop: Shop
  post(path: string, body: unknown, key?: string): Promise<Answered>
  get(path: string): Promise<Answered>
}

export interface Answered {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asked for
  readonly body: any
  readonly headers: Headers
}

/** A shop in memory with a real server, and some stock. */
export async function openShop(
  stock: Readonly<Record<string, number>> = {},
  given?: { store: EventStore; folder: string },
): Promise<OpenShop> {
  const store = given?.store ?? (await openEventStore('memory:'))
  const shop = await Shop.open(
    store,
    configOf('memory:', given?.folder ?? (await temporaryFolder())),
  )
  onTestFinished(async () => {
    await shop.close()
    await store.close()
  })
  const { url } = shop.startup
  const post = (path: string, body: unknown, key?: string) =>
    answered(
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(key === undefined ? {} : { 'Idempotency-Key': key }),
        },
        body: JSON.stringify(body),
      }),
    )
  const get = (path: string) => answered(fetch(`${url}${path}`))
  for (const [sku, quantity] of Object.entries(stock)) {
    await post(`/stock/${sku}/deliveries`, { quantity })
  }
  return { store, url, shop, post, get }
}

async function answered(request: Promise<Response>): Promise<Answered> {
  const response = await request
  return { status: response.status, body: await response.json(), headers: response.headers }
}
