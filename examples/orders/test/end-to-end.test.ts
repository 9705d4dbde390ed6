import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { type DynamoDbServer, startDynamoDb, startPostgres } from '@annals/test-servers'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Config } from '../src/config.js'
import { type DayResult, runDay } from '../src/simulation/day.js'
import { hostInChild, hostInProcess } from '../src/simulation/host.js'
import { configOf, launch, temporaryFolder } from './fixtures.js'

/**
 * Where the day of trade is run: for each store, a line that gives the URL of an empty one. KurrentDB's day is in its own
 * package, which has a stand-in for machines without a server.
 */
const stores: Readonly<Record<string, (folder: string) => Promise<string>>> = {
  'PGlite on disk': async (folder) => `pglite:${join(folder, 'events')}`,
  PostgreSQL: async () => (await until(startPostgres())).createDatabase(),
  DynamoDB: async () => dynamoDbUrl(await until(startDynamoDb()), `orders-${randomUUID()}`),
}

const quiet = { started: () => undefined, served: () => undefined, killed: () => undefined }

test('a day of trade in memory', async () => {
  const config = configOf('memory:', await temporaryFolder(), { orders: 100 })
  const day = await runDay(config, await hostInProcess(config), quiet)
  expectGood(day, config)
  // What lives in the process's memory cannot outlive its crash.
  expect(day.startups).toHaveLength(1)
})

describe.each(Object.entries(stores))('%s', (_, open) => {
  test('a day of trade with a crash in the middle, and another on the same data', async () => {
    const folder = await temporaryFolder()
    const config = configOf(await open(folder), folder, { orders: 80 })
    const day = await runDay(config, hostInChild(config, launch), quiet)
    expectGood(day, config)
    expect(day.startups).toHaveLength(2)
    const [, again] = day.startups
    expect(again?.resumed.position).not.toBeNull()
    expect(day.tally.unanswered).toBeGreaterThan(0)

    const next = { ...config, orders: 15, crash: false }
    const second = await runDay(next, hostInChild(next, launch), quiet)
    expectGood(second, next)
    expect(second.startups).toMatchObject([
      { resumed: { events: day.findings.events, caughtUpWith: 0 }, finished: 0 },
    ])
    expect(second.findings.events).toBeGreaterThan(day.findings.events)
  }, 480_000)
})

function expectGood({ findings, tally, report }: DayResult, { orders }: Config): void {
  expect(tally.surprises).toEqual([])
  const violated = findings.checks.filter(({ violations }) => violations.length > 0)
  expect(violated).toEqual([])
  expect(findings.checks).toHaveLength(8)
  expect(report.events).toBe(findings.events)
  const placed = tally.acknowledged.filter(({ operation }) => operation === 'place')
  expect(placed).toHaveLength(orders)
  expect(tally.duplicates).toBeGreaterThan(0)
  expect(tally.replayed).toBeGreaterThan(0)
}

describe('the program', () => {
  test('tells what happened, and succeeds', async () => {
    const folder = await temporaryFolder()
    const readModel = join(folder, 'read-model.json')
    const args = ['--store', 'memory:', '--orders', '20', '--read-model', readModel]
    const { code, output } = await run(args)
    expect(output).toContain('20 customers served')
    expect(output).toContain('✓ The stock is never negative')
    expect(output).toContain('All is well.')
    expect(code).toBe(0)
  })

  test.each([
    [['--orders', '0'], '--orders must be a whole number from 1 to 1000000, not "0"'],
    [['--store', 'mysql://me:hunter2@host/db'], 'unknown scheme "mysql:"'],
  ])('fails with a message: %j', async (args, message) => {
    const { code, output } = await run(args)
    expect(output).toContain(message)
    expect(output).not.toContain('hunter2')
    expect(code).toBe(1)
  })
})

async function run(args: readonly string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [...launch.execArgv, launch.program, ...args])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const [code] = await once(child, 'close')
  return { code, output }
}

/** A server that is stopped when the test is done. */
async function until<S extends { stop(): Promise<void> }>(starting: Promise<S>): Promise<S> {
  const server = await starting
  onTestFinished(() => server.stop())
  return server
}

/** A table of the test's own: the server may be one that others use too. */
function dynamoDbUrl({ endpoint, credentials }: DynamoDbServer, table: string): string {
  const { accessKeyId, secretAccessKey } = credentials
  return `dynamodb://${accessKeyId}:${secretAccessKey}@${new URL(endpoint).host}/${table}`
}
