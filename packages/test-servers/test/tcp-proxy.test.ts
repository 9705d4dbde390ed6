import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTcpProxy, type TcpProxy } from '../src/index.js'

// A real server that answers each line with "did <line>", and remembers what it did.
let did: string[] = []
let serverSockets: Socket[] = []
const server = createServer({ allowHalfOpen: true }, (socket) => {
  serverSockets.push(socket)
  socket.on('error', () => {})
  socket.on('end', () => socket.end('goodbye\n'))
  let rest = ''
  socket.on('data', (chunk) => {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      did.push(line)
      socket.write(`did ${line}\n`)
    }
  })
})

let proxy: TcpProxy
let clients: Client[] = []

beforeEach(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  proxy = await startTcpProxy(`lines://user:secret@127.0.0.1:${address.port}/path?x=1`)
})

afterEach(async () => {
  for (const client of clients) client.socket.destroy()
  await proxy.close()
  for (const socket of serverSockets) socket.destroy()
  server.close()
  did = []
  serverSockets = []
  clients = []
})

test('keeps the rest of the address, and passes data and ends on', async () => {
  expect(proxy.url).toBe(`lines://user:secret@127.0.0.1:${proxy.port}/path?x=1`)
  const client = open()
  client.write('a')
  client.write('b')
  expect(await client.lines(2)).toEqual(['did a', 'did b'])
  expect(proxy.connections).toHaveLength(1)
  client.socket.end()
  expect(await client.lines(3)).toEqual(['did a', 'did b', 'goodbye'])
  expect(await client.closed).toBe('ended')
  await expect.poll(() => proxy.connections.length).toBe(0)
})

test('passes much data on unharmed, and holds the sender back', async () => {
  const client = open()
  const line = 'x'.repeat(1023)
  for (let i = 0; i < 4000; i++) client.write(line)
  await client.lines(4000)
  expect(new Set(did)).toEqual(new Set([line]))
  expect(did).toHaveLength(4000)
})

test('cutAll resets every open connection, and new ones get through', async () => {
  const [first, second] = [open(), open()]
  first.write('a')
  second.write('b')
  await Promise.all([first.lines(1), second.lines(1)])
  expect(proxy.cutAll()).toBe(2)
  expect(await Promise.all([first.closed, second.closed])).toEqual(['ECONNRESET', 'ECONNRESET'])
  expect(await ask('c')).toBe('did c')
  expect(proxy.accepted).toBe(3)
})

test('refuse turns new clients away and leaves the open ones alone', async () => {
  const client = open()
  client.write('a')
  await client.lines(1)
  proxy.refuse(true)
  expect(await open().closed).toBe('ECONNRESET')
  client.write('b')
  expect(await client.lines(2)).toEqual(['did a', 'did b'])
  proxy.refuse(false)
  expect(await ask('c')).toBe('did c')
})

test('an outage cuts everything until it is over', async () => {
  const client = open()
  client.write('a')
  await client.lines(1)
  proxy.outage()
  expect(await client.closed).toBe('ECONNRESET')
  expect(await open().closed).toBe('ECONNRESET')
  proxy.recover()
  expect(await ask('b')).toBe('did b')
})

test('cutWhen up strikes before the server gets the request, once', async () => {
  const cut = proxy.cutWhen('up', (chunk) => chunk.includes('pay'))
  const client = open()
  client.write('look')
  await client.lines(1)
  expect(cut.hasStruck).toBe(false)
  client.write('pay')
  await cut.struck
  expect(await client.closed).toBe('ECONNRESET')
  expect(did).toEqual(['look'])
  expect(await ask('pay')).toBe('did pay')
})

test('cutWhen down strikes after the server has done the work, and the answer is lost', async () => {
  const cut = proxy.cutWhen('down', (chunk) => chunk.includes('did pay'))
  const client = open()
  client.write('pay')
  await cut.struck
  expect(await client.closed).toBe('ECONNRESET')
  expect(client.received).toEqual([])
  expect(did).toEqual(['pay'])
  expect(cut.hasStruck).toBe(true)
})

test('a disarmed cut does not strike', async () => {
  const cut = proxy.cutWhen('up', () => true)
  cut.disarm()
  expect(await ask('a')).toBe('did a')
  expect(cut.hasStruck).toBe(false)
})

describe('pause', () => {
  test('up holds requests, answers still come', async () => {
    const client = open()
    client.write('a')
    await client.lines(1)
    proxy.pause('up')
    client.write('b')
    for (const socket of serverSockets) socket.write('news\n')
    expect(await client.lines(2)).toEqual(['did a', 'news'])
    expect(did).toEqual(['a'])
    proxy.resume('up')
    expect(await client.lines(3)).toEqual(['did a', 'news', 'did b'])
  })

  test('down holds answers, requests are still done', async () => {
    const client = open()
    proxy.pause('down')
    client.write('a')
    await expect.poll(() => did).toEqual(['a'])
    expect(client.received).toEqual([])
    proxy.resume()
    expect(await client.lines(1)).toEqual(['did a'])
  })

  test('a paused connection can be cut, and its data are lost', async () => {
    const client = open()
    client.write('a')
    await client.lines(1)
    proxy.pause()
    client.write('b')
    proxy.cutAll()
    expect(await client.closed).toBe('ECONNRESET')
    proxy.resume()
    expect(await ask('c')).toBe('did c')
    expect(did).toEqual(['a', 'c'])
  })
})

test('halfOpen swallows everything, ends too, and resets at its end what has lost bytes', async () => {
  const [busy, quiet] = [open(), open()]
  busy.write('a')
  await busy.lines(1)
  quiet.write('b')
  await quiet.lines(1)
  proxy.halfOpen(true)
  busy.write('lost')
  busy.socket.end()
  await expect.poll(() => proxy.connections[0]?.lost).toBe('lost\n'.length)
  expect(did).toEqual(['a', 'b'])
  expect(proxy.connections).toHaveLength(2)
  proxy.halfOpen(false)
  expect(await busy.closed).toBe('ECONNRESET')
  quiet.write('c')
  expect(await quiet.lines(2)).toEqual(['did b', 'did c'])
  expect(did).not.toContain('lost')
})

test('forget lets the connections of now get nothing through, until it resets them; new ones work', async () => {
  const [busy, quiet] = [open(), open()]
  busy.write('a')
  await busy.lines(1)
  quiet.write('b')
  await quiet.lines(1)
  expect(proxy.forget()).toBe(2)
  busy.write('lost')
  await expect.poll(() => proxy.connections[0]?.lost).toBe('lost\n'.length)
  const later = open()
  later.write('c')
  expect(await later.lines(1)).toEqual(['did c'])
  proxy.halfOpen(true)
  proxy.halfOpen(false)
  expect(proxy.connections).toHaveLength(3)
  proxy.recover()
  expect(await busy.closed).toBe('ECONNRESET')
  quiet.write('d')
  expect(await quiet.lines(2)).toEqual(['did b', 'did d'])
  expect(did).toEqual(['a', 'b', 'c', 'd'])
})

test('a hook sees the pieces in order, may take its time, and may drop one', async () => {
  const seen: string[] = []
  let release: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  proxy.onData(async (chunk, direction, connection) => {
    seen.push(`${connection.id} ${direction} ${chunk.toString().trim()}`)
    if (chunk.includes('first')) await gate
    return chunk.includes('second') ? 'drop' : 'forward'
  })
  const client = open()
  client.write('first')
  await expect.poll(() => seen).toEqual(['1 up first'])
  expect(did).toEqual([])
  release()
  await client.lines(1)
  client.write('second')
  await expect.poll(() => seen.at(-1)).toBe('1 up second')
  client.write('third')
  expect(await client.lines(2)).toEqual(['did first', 'did third'])
  expect(proxy.connections[0]?.received.up).toBe('first\nsecond\nthird\n'.length)
})

test('delay holds each piece back without adding up', async () => {
  proxy.delay(50)
  const started = performance.now()
  const client = open()
  for (const line of ['a', 'b', 'c', 'd']) client.write(line)
  await client.lines(4)
  expect(did).toEqual(['a', 'b', 'c', 'd'])
  // There and back. Only the lower bound is certain, so only that is asserted.
  expect(performance.now() - started).toBeGreaterThanOrEqual(100)
})

test('a client of a server that is not there is reset', async () => {
  const lonely = await startTcpProxy({ host: '127.0.0.1', port: 1 })
  expect(lonely.url).toBe(`tcp://127.0.0.1:${lonely.port}`)
  expect(await open(lonely.port).closed).toBe('ECONNRESET')
  await lonely.close()
})

test('a target without a port is refused', async () => {
  await expect(startTcpProxy('http://localhost')).rejects.toThrow(/a host and a port/)
})

interface Client {
  readonly socket: Socket
  readonly received: readonly string[]
  /** 'ended', or the code of the error. */
  readonly closed: Promise<string>
  write(line: string): void
  /** Waits until so many lines have come. */
  lines(count: number): Promise<readonly string[]>
}

function open(port = proxy.port): Client {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
  let text = ''
  let wake: () => void = () => {}
  socket.on('data', (chunk) => {
    text += chunk.toString()
    wake()
  })
  let failure: string | undefined
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code
  })
  const client: Client = {
    socket,
    get received() {
      return text.split('\n').slice(0, -1)
    },
    closed: new Promise((resolve) => {
      socket.on('close', () => resolve(failure ?? 'ended'))
    }),
    write: (line) => {
      socket.write(`${line}\n`)
    },
    async lines(count) {
      while (client.received.length < count) {
        const more = new Promise<void>((resolve) => {
          wake = resolve
        })
        const end = await Promise.race([more, client.closed])
        if (typeof end === 'string' && client.received.length < count) {
          throw new Error(`closed (${end}) after ${client.received.length} of ${count} lines`)
        }
      }
      return client.received
    },
  }
  clients.push(client)
  return client
}

async function ask(line: string): Promise<string | undefined> {
  const client = open()
  client.write(line)
  const [answer] = await client.lines(1)
  client.socket.end()
  return answer
}
