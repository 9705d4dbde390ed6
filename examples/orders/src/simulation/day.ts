import { redactedUrl } from 'annals'
import type { Config } from '../config.js'
import { checkInvariants, type Findings } from '../invariants.js'
import { ModelFile } from '../model-file.js'
import type { Startup } from '../shop.js'
import { Client, type Tally } from './client.js'
import type { Host } from './host.js'
import { planDay } from './plan.js'
import { trade } from './trade.js'

const customersAtOnce = 16

export interface DayResult {
  /** The first start, and the one after the crash. */
  readonly startups: readonly Startup[]
  readonly tally: Tally
  readonly report: Readonly<Record<string, unknown>>
  readonly stock: readonly Readonly<Record<string, unknown>>[]
  readonly findings: Findings
  readonly seconds: number
  /** No surprise, and no violation of an invariant. */
  readonly good: boolean
}

/** Told what happens as it happens. */
export interface Narrator {
  started(startup: Startup, seconds: number, again: boolean): void
  served(count: number, of: number): void
  killed(served: number): void
}

/** Runs a day of trade, with a crash in the middle where the host can, and checks what is left of it. */
export async function runDay(config: Config, host: Host, narrator: Narrator): Promise<DayResult> {
  const begun = Date.now()
  const since = (time: number) => (Date.now() - time) / 1000
  const startups: Startup[] = []
  const start = async () => {
    const time = Date.now()
    const startup = await host.start()
    narrator.started(startup, since(time), startups.length > 0)
    startups.push(startup)
    return startup.url
  }
  const client = new Client(await start())
  const { tally } = client
  const day = planDay(config.seed, config.orders)
  // On the same data, another day has other keys: so many events came before it.
  const { events } = (await client.get('/report')).body
  const crashAt =
    config.crash && host.kill ? Math.ceil(config.orders / 2) : Number.POSITIVE_INFINITY
  const crash = async (served: number) => {
    // The crash is to hit a read model that is on its way, not one that has not begun.
    await client.get(reportAfter(client.lastPosition))
    narrator.killed(served)
    client.moveTo(host.kill!().then(start))
  }
  let crashing: Promise<void> | undefined
  await trade(client, day, {
    name: `seed-${config.seed}-after-${events}`,
    customersAtOnce,
    onServed: (served) => {
      narrator.served(served, config.orders)
      if (served !== crashAt) return
      crashing = crash(served)
      crashing.catch(() => undefined) // it is awaited below, after those whom it concerns
    },
  })
  await crashing
  const { report, stock } = await lookAround(client, day.deliveries)
  await host.stop()
  const kept = await new ModelFile(config.readModel, redactedUrl(config.store)).read()
  await using store = await host.openStore()
  const findings = await checkInvariants(store, tally.acknowledged, kept)
  const good =
    tally.surprises.length === 0 && findings.checks.every(({ violations }) => !violations.length)
  return { startups, tally, report, stock, findings, seconds: since(begun), good }
}

/** The report, which must have seen the day's last event, and the stock of each product. */
async function lookAround(client: Client, deliveries: readonly { sku: string }[]) {
  const stock = []
  for (const sku of new Set(deliveries.map((delivery) => delivery.sku))) {
    stock.push((await client.get(`/stock/${sku}`)).body)
  }
  return { stock, report: (await client.get(reportAfter(client.lastPosition))).body }
}

function reportAfter(position: string | null): string {
  return position === null ? '/report' : `/report?after=${encodeURIComponent(position)}`
}
