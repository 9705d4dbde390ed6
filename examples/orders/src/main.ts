import { fileURLToPath } from 'node:url'
import { openEventStore, redactedUrl } from 'annals'
import { type Config, configFrom, usage } from './config.js'
import { Shop } from './shop.js'
import { runDay } from './simulation/day.js'
import { type Host, hostInChild, hostInProcess } from './simulation/host.js'
import { narrator, tellResult } from './simulation/narrate.js'

async function main(): Promise<void> {
  const config = configFrom(process.argv.slice(2), process.env)
  if (!config) console.log(usage)
  else if (config.serve) await serve(config)
  else await simulate(config)
}

/** Keeps the service up until it is interrupted, or its parent process ends. */
async function serve(config: Config): Promise<void> {
  const stop = stopRequest()
  await using store = await openEventStore(config.store)
  const shop = await Shop.open(store, config)
  if (process.send) process.send(shop.startup)
  else console.log(invitation(shop.startup.url, config))
  await stop
  await shop.close()
}

async function simulate(config: Config): Promise<void> {
  console.log(
    `A day of trade on ${redactedUrl(config.store)}: ${config.orders} orders, seed ${config.seed}`,
  )
  const result = await runDay(config, await hostFor(config), narrator)
  tellResult(result)
  if (!result.good) process.exitCode = 1
}

async function hostFor(config: Config): Promise<Host> {
  // What lives in a process's memory would not outlive its crash.
  if (config.store === 'memory:') return hostInProcess(config)
  return hostInChild(config, {
    program: fileURLToPath(import.meta.url),
    execArgv: process.execArgv,
  })
}

function stopRequest(): Promise<unknown> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve)
    if (process.send) {
      process.once('disconnect', resolve)
      // Ctrl+C goes to the whole group; the parent decides when its service ends.
      process.on('SIGINT', () => undefined)
    } else {
      process.once('SIGINT', resolve)
    }
  })
}

function invitation(url: string, config: Config): string {
  const json = `-H 'Content-Type: application/json'`
  return `The shop is open at ${url}, on ${redactedUrl(config.store)}. Ctrl+C closes it.

  curl -X POST ${url}/stock/kettle/deliveries ${json} -d '{"quantity":10}'
  curl -i -X POST ${url}/orders ${json} -H 'Idempotency-Key: my-first-order' \\
       -d '{"customer":"me","lines":[{"sku":"kettle","quantity":1}]}'
  curl -X POST ${url}/orders/<orderId>/pay ${json} -d '{"amount":3490}'
  curl -X POST ${url}/orders/<orderId>/ship ${json} -d '{"carrier":"Parcel Post"}'
  curl ${url}/orders/<orderId>
  curl ${url}/report`
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  // The channel to the parent would keep this process alive.
  if (process.connected) process.disconnect()
}
