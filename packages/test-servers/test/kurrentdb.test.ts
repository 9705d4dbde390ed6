import { afterEach, expect, test } from 'vitest'
import { isNoServerError, type KurrentDbServer, startKurrentDb } from '../src/index.js'

let server: KurrentDbServer | undefined
afterEach(async () => {
  await server?.stop()
})

// KurrentDB does not come from npm, so a machine may rightly have none. Both outcomes are checked for what they promise.
test('the KurrentDB of the PATH starts, on disk and killed too, or the error says how to get one', async () => {
  try {
    server = await startKurrentDb({ source: 'path', disk: true })
  } catch (error) {
    if (!isNoServerError(error)) throw error
    expect(error.message).toMatch(/KURRENTDB_URL[\s\S]*eventstored[\s\S]*docker compose up/)
    expect(error.tried).toEqual([
      { source: 'path', reason: expect.stringContaining('on the PATH') },
    ])
    return
  }
  expect(server.describe()).toMatch(/^(KurrentDB|EventStoreDB) \d+\.\d+\.\d+ from \S+ on the PATH/)
  expect(server.url).toMatch(/^kurrentdb:\/\/127\.0\.0\.1:\d+\?tls=false$/)
  await expect(alive(server)).resolves.toBe(true)
  const { url } = server
  await server.kill()
  await expect(alive(server)).resolves.toBe(false)
  await server.restart()
  expect(server.url).toBe(url)
  await expect(alive(server)).resolves.toBe(true)
})

test('without a program, the error says how to get a server', async () => {
  const { PATH } = process.env
  process.env.PATH = '/nonexistent'
  try {
    await expect(startKurrentDb({ source: 'path' })).rejects.toMatchObject({
      code: 'NO_SERVER',
      message: expect.stringMatching(/KURRENTDB_URL[\s\S]*eventstored[\s\S]*docker compose up/),
    })
  } finally {
    process.env.PATH = PATH
  }
})

function alive({ url }: KurrentDbServer): Promise<boolean> {
  const { host } = new URL(url.replace('kurrentdb:', 'http:'))
  return fetch(`http://${host}/health/live`).then(
    (response) => response.status === 204,
    () => false,
  )
}
