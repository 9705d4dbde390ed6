import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RecordedEvent } from '@annals/core'
import { dynamoDbStoreFromUrl } from '@annals/dynamodb'
import { startDynamoDb } from '@annals/test-servers'
import { expect, it } from 'vitest'
import { endOfLine, type Job, type ReaderLine, type WriterLine } from './support/process-lines.js'

const writers = 8
const readers = 4
/** Events acknowledged before the writers are told to stop. */
const wanted = Number(process.env.ANNALS_KILL_TEST_EVENTS ?? 20_000)
/** A writer dies after so many acknowledged appends of all, a reader after three times as many. */
const killEvery = 60

interface Call extends Job {
  readonly began: bigint
  ended?: bigint
  outcome?: { version: number; position: string } | 'refused'
}

it(`${writers} writers and ${readers} readers on one table, killed at random, over ${wanted} events`, {
  timeout: 120_000 + wanted * 15,
}, async () => {
  const server = await startDynamoDb()
  const { host } = new URL(server.endpoint)
  const { accessKeyId, secretAccessKey } = server.credentials
  const table = `kill-${randomUUID()}`
  const url = `dynamodb://${accessKeyId}:${secretAccessKey}@${host}/${table}?region=${server.region}&gracePeriodMs=300`
  const store = dynamoDbStoreFromUrl(url)
  await store.migrate()
  const streams = Array.from({ length: 40 }, (_, i) => `Order-${i}`)

  const calls = new Map<string, Call>()
  const failures: string[] = []
  let events = 0
  let appends = 0
  let killed = 0
  let stopping = false
  let enough = () => {}
  const reached = new Promise<void>((resolve) => {
    enough = resolve
  })

  const start = <L>(script: string, argument: object, onLine: (line: L) => void) => {
    const path = fileURLToPath(new URL(`./support/${script}`, import.meta.url))
    const child = spawn(
      process.execPath,
      ['--conditions=annals:source', '--import', 'tsx', path, JSON.stringify(argument)],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    )
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    // What a process says in the moment of its death still counts: it was said before it went on.
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
    createInterface({ input: child.stdout }).on('line', (text) => {
      // Killed in the middle of a line, it has not said it.
      if (text.endsWith(endOfLine)) onLine(JSON.parse(text.slice(0, -endOfLine.length)) as L)
    })
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL' && code !== 0) {
        failures.push(`${script} ended with ${code}: ${said}`)
        enough()
      }
    })
    return { child, ended }
  }

  const livingWriters: { child: ChildProcess; ended: Promise<void> }[] = []
  const startWriter = (slot: number, orphan?: Job) => {
    let open: Job | undefined
    const writer = start('writer-process.ts', { url, streams, orphan }, (line: WriterLine) => {
      if (line.t === 'call') {
        open = line.job
        const known = calls.get(line.job.ids[0]!)
        if (!known) calls.set(line.job.ids[0]!, { ...line.job, began: BigInt(line.at) })
        return
      }
      open = undefined
      const call = calls.get(line.first)!
      if (line.t === 'refused') {
        call.outcome = 'refused'
        return
      }
      call.outcome = { version: line.version, position: line.position }
      call.ended = BigInt(line.at)
      events += call.ids.length
      appends++
      if (events >= wanted) enough()
      else if (appends % killEvery === 0) {
        kill(livingWriters)
        if (appends % (3 * killEvery) === 0) kill(livingReaders)
      }
    })
    livingWriters[slot] = writer
    void writer.ended.then(() => {
      if (!stopping && failures.length === 0) startWriter(slot, open)
      else if (open) orphans.push(open)
    })
  }
  const orphans: Job[] = []

  const seen: [string, string][][] = []
  const livingReaders: { child: ChildProcess; ended: Promise<void> }[] = []
  const waiting = new Set<() => void>()
  const startReader = (slot: number) => {
    seen[slot] ??= []
    const given = seen[slot]
    const reader = start(
      'reader-process.ts',
      { url, after: given.at(-1)?.[0] },
      (line: ReaderLine) => {
        for (const [position, id] of line) given.push([position, id])
        for (const look of waiting) look()
      },
    )
    livingReaders[slot] = reader
    void reader.ended.then(() => {
      if (!finished && failures.length === 0) startReader(slot)
    })
  }
  let finished = false
  const kill = (living: { child: ChildProcess }[]) => {
    if (living[Math.floor(Math.random() * living.length)]!.child.kill('SIGKILL')) killed++
  }

  for (let i = 0; i < writers; i++) startWriter(i)
  for (let i = 0; i < readers; i++) startReader(i)
  await reached
  stopping = true
  for (const { child } of livingWriters) child.stdin!.write('stop\n')
  await Promise.all(livingWriters.map(({ ended }) => ended))
  // Who was killed last left an append open as well: it is repeated here, and takes effect once.
  for (const { streamId, ids, expected, bytes } of orphans) {
    const again = ids.map((id) => ({ type: 'Happened', id, data: 'x'.repeat(bytes) }))
    await store.append(streamId, again, { expectedVersion: expected }).catch((error) => {
      expect(error).toMatchObject({ code: 'WRONG_EXPECTED_VERSION' })
    })
  }
  expect(failures).toEqual([])

  const order = await store.readAll().toArray()
  // The readers get what is there in their own time; that they get no more and nothing else is what is looked at.
  await new Promise<void>((resolve) => {
    const look = () => {
      if (failures.length > 0 || seen.every((given) => given.length >= order.length)) resolve()
    }
    waiting.add(look)
    look()
  })
  finished = true
  for (const { child } of livingReaders) child.stdin!.write('stop\n')
  await Promise.all(livingReaders.map(({ ended }) => ended))
  expect(failures).toEqual([])

  console.log(
    `${order.length} events in ${calls.size} appends; ${killed} processes killed; ${orphans.length} left open at the end`,
  )
  expect(order.length).toBeGreaterThanOrEqual(wanted)
  checkAppends(order, [...calls.values()])
  checkRealTime([...calls.values()])
  for (const given of seen) {
    expect(given.map(([, id]) => id)).toEqual(order.map((event) => event.id))
    expect(given.map(([position]) => position)).toEqual(order.map((event) => event.position))
  }
  for (const streamId of streams) {
    const stream = await store.readStream(streamId).toArray()
    expect(stream.map((event) => event.version)).toEqual(stream.map((_, i) => i + 1))
    expect(stream.map((event) => event.id)).toEqual(
      order.filter((event) => event.streamId === streamId).map((event) => event.id),
    )
  }
  await store.close()
  await server.stop()
})

function checkAppends(order: readonly RecordedEvent[], calls: readonly Call[]): void {
  const place = new Map(order.map((event, i) => [event.id, i]))
  expect(place.size).toBe(order.length)
  const problems: string[] = []
  for (const { ids, outcome } of calls) {
    const first = place.get(ids[0]!)
    const whole = ids.every((id, i) => place.get(id) === (first ?? Number.NaN) + i)
    const nothing = ids.every((id) => !place.has(id))
    if (!whole && !nothing) problems.push(`${ids[0]} is there in part`)
    if (outcome === 'refused' && !nothing) problems.push(`${ids[0]} was refused and is there`)
    if (typeof outcome === 'object') {
      const last = order[place.get(ids.at(-1)!) ?? -1]
      if (!whole || last?.position !== outcome.position || last.version !== outcome.version) {
        problems.push(`${ids[0]} was acknowledged and is not there as it was said`)
      }
    }
  }
  expect(problems).toEqual([])
}

/** An append acknowledged before another was begun comes first, by the machine's one monotonic clock. */
function checkRealTime(calls: readonly Call[]): void {
  const done = calls.flatMap((call) =>
    typeof call.outcome === 'object' ? [{ ...call, position: call.outcome.position }] : [],
  )
  const byEnd = [...done].sort((a, b) => (a.ended! < b.ended! ? -1 : 1))
  const byBegin = [...done].sort((a, b) => (a.began < b.began ? -1 : 1))
  let ended = 0
  let highest = ''
  const problems: string[] = []
  for (const call of byBegin) {
    while (ended < byEnd.length && byEnd[ended]!.ended! < call.began) {
      const { position } = byEnd[ended++]!
      if (position > highest) highest = position
    }
    if (call.position <= highest) problems.push(`${call.ids[0]} is behind what ended before it`)
  }
  expect(problems).toEqual([])
}
