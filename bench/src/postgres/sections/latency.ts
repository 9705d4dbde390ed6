import { setTimeout as pause } from 'node:timers/promises'
import { quantile, type Sample, sample, sideBySide } from '../../measure.js'
import type { SectionRunner } from '../arena.js'
import { bareNotify } from '../bare-notify.js'
import type { Contestant } from '../contestant.js'
import { contestants, extraSubscribers } from '../contestants.js'
import { fact } from '../facts.js'

/** From the call of an append to the event at a subscriber. */
export const latency: SectionRunner = {
  id: 'latency',
  run: async (arena) => {
    const kinds = [...contestants, ...extraSubscribers, bareNotify]
    const opened = await arena.openAll(kinds)
    const all = opened.filter(({ subscribe }) => subscribe !== undefined)
    const listeners = new Map<Contestant, Listener>()
    for (const contestant of all) listeners.set(contestant, await listen(contestant))
    // Pollers that found nothing wait longer and longer: let each of them come to its rest.
    await pause(arena.quick ? 50 : 1500)
    const results = await sideBySide(
      all.map((contestant) => ({
        name: contestant.name,
        run: (round) =>
          appendAndWait(contestant, listeners.get(contestant) as Listener, round, arena.quick),
      })),
      {
        rounds: arena.quick ? 1 : 3,
        warmup: arena.quick ? 0 : 1,
        onTurn: ({ name, round }) => arena.progress(`round ${round}: ${name}`),
      },
    )
    for (const listener of listeners.values()) await listener.stop()
    await arena.close(opened)
    const quantiles = all.map(({ name }) => {
      const latencies = (results.get(name) ?? [])
        .flatMap((round) => round.latencies)
        .sort((a, b) => a - b)
      const lost = (results.get(name) ?? []).reduce((sum, r) => sum + (r.failures.lost ?? 0), 0)
      const of = (share: number) => quantile(latencies, share)
      return { name, events: latencies.length, p50: of(0.5), p99: of(0.99), most: of(1), lost }
    })
    return {
      title: 'From append to subscriber',
      notes: [
        'One writer appends an event every 10 ms or so (5 to 15, evenly spread); the time runs from the call of the append to the call of the subscriber, in one process with one clock. All rounds together.',
        'Annals: the subscriber is another store on connections of its own, as another process would be; "same store": the one that appends. Emmett and evtstore poll, with their defaults. Yardstick: `pg_notify` in the transaction of the insert, then a select of what is new.',
      ],
      tables: [
        {
          title: 'Milliseconds',
          columns: ['', 'events', 'p50 ms', 'p99 ms', 'longest ms', 'never came'],
          rows: quantiles.map((q) => [q.name, q.events, q.p50, q.p99, q.most, q.lost]),
        },
      ],
      plots: [
        {
          title: 'From append to subscriber',
          kind: 'bars',
          yLabel: 'ms (logarithmic)',
          yLog: true,
          series: quantiles.map(({ name, p50, p99 }) => ({
            name,
            points: [
              { x: 'p50', y: p50 },
              { x: 'p99', y: p99 },
            ],
          })),
        },
      ],
      goals: [],
    }
  },
}

interface Listener {
  /** Resolves with the time at which the event came; undefined where it did not come in time. */
  expect(orderId: string): Promise<number | undefined>
  stop(): Promise<void>
}

const patience = 10_000

async function listen(contestant: Contestant): Promise<Listener> {
  const awaited = new Map<string, (at: number) => void>()
  const subscription = await contestant.subscribe?.((data) => {
    const at = performance.now()
    const { orderId } = data as { orderId: string }
    awaited.get(orderId)?.(at)
  })
  return {
    expect: async (orderId) => {
      const giveUp = new AbortController()
      const came = new Promise<number>((resolve) => awaited.set(orderId, resolve))
      const never = pause(patience, undefined, { signal: giveUp.signal }).catch(() => undefined)
      const at = await Promise.race([came, never])
      giveUp.abort()
      awaited.delete(orderId)
      return at
    },
    stop: async () => subscription?.stop(),
  }
}

async function appendAndWait(
  contestant: Contestant,
  listener: Listener,
  round: number,
  quick: boolean,
): Promise<Sample> {
  const started = performance.now()
  const arrivals: Promise<number | undefined>[] = []
  for (let i = 0; i < (quick ? 3 : 200); i++) {
    await pause(5 + Math.random() * 10)
    const event = fact(i)
    const begun = performance.now()
    const arrival = listener.expect(event.data.orderId as string)
    arrivals.push(arrival.then((at) => (at === undefined ? undefined : at - begun)))
    await contestant.append(`order-${round}`, i, [event])
  }
  const latencies = await Promise.all(arrivals)
  const came = latencies.filter((latency) => latency !== undefined)
  const lost = latencies.length - came.length
  return sample(came, performance.now() - started, lost === 0 ? {} : { lost })
}
