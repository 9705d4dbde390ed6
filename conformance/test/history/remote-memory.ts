import { connect, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import {
  createEventStore,
  DuplicateEventIdError,
  type EventStore,
  isEventStoreError,
  MemoryDatabase,
  memoryDriver,
  type StoreDriver,
  type StoredEvent,
  type StoreOptions,
  UnavailableError,
  WrongExpectedVersionError,
} from '@annals/core'

/*
 * A memory store that other processes can use: the smallest database server there can be, to try the recorder with
 * workers that are killed. One line of JSON a request and an answer.
 */

interface Request {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

export interface MemoryServer {
  readonly port: number
  close(): Promise<void>
}

const signal = new AbortController().signal

export async function serveMemory(database = new MemoryDatabase()): Promise<MemoryServer> {
  const driver = memoryDriver(database)
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    const lines = createInterface({ input: socket }).on('error', () => {})
    lines.on('line', (line) => {
      const { id, method, args } = JSON.parse(line) as Request
      answer(driver, method, args).then((answered) => {
        if (socket.writable) socket.write(`${JSON.stringify({ id, ...answered })}\n`)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('no port')
  return {
    port: address.port,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(driver: StoreDriver, method: string, args: readonly unknown[]) {
  try {
    if (method === 'readStream' || method === 'readAll') {
      const query = { ...(args[0] as object), signal } as never
      const limit = (args[0] as { limit: number | null }).limit ?? Number.POSITIVE_INFINITY
      const batches: unknown[] = []
      const source: AsyncIterable<unknown> = driver[method](Object.assign(query, { limit }))
      for await (const batch of source) batches.push(batch)
      return { value: batches }
    }
    const call = driver[method as 'append'] as (...all: unknown[]) => Promise<unknown>
    return { value: (await call(...args, signal)) ?? null }
  } catch (error) {
    if (isEventStoreError(error, 'WRONG_EXPECTED_VERSION')) {
      return { conflict: [error.streamId, error.expected, error.actual] }
    }
    if (isEventStoreError(error, 'DUPLICATE_EVENT_ID')) {
      return { duplicate: [error.streamId, error.eventIds] }
    }
    return { failure: String(error) }
  }
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly conflict?: ConstructorParameters<typeof WrongExpectedVersionError>
  readonly duplicate?: ConstructorParameters<typeof DuplicateEventIdError>
  readonly failure?: string
}

/** What a worker process calls. */
export function openStore(args: unknown, options: StoreOptions): EventStore {
  const { port } = args as { port: number }
  const memory = memoryDriver(new MemoryDatabase())
  const waiting = new Map<number, { resolve: (a: Answer) => void; reject: (e: Error) => void }>()
  let socket: Socket | undefined
  let requests = 0

  const open = (): Socket => {
    if (socket && !socket.destroyed) return socket
    socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const { reject } of waiting.values()) reject(new Error('connection lost'))
      waiting.clear()
    })
    const lines = createInterface({ input: socket }).on('error', () => {})
    lines.on('line', (line) => {
      const answered = JSON.parse(line) as Answer
      waiting.get(answered.id)?.resolve(answered)
      waiting.delete(answered.id)
    })
    return socket
  }
  const call = async <T>(method: string, ...callArgs: unknown[]): Promise<T> => {
    const id = ++requests
    const answered = await new Promise<Answer>((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      open().write(`${JSON.stringify({ id, method, args: callArgs })}\n`)
    })
    if (answered.conflict) throw new WrongExpectedVersionError(...answered.conflict)
    if (answered.duplicate) throw new DuplicateEventIdError(...answered.duplicate)
    if (answered.failure !== undefined) throw new Error(answered.failure)
    return answered.value as T
  }
  const dated = (event: StoredEvent) => ({ ...event, recordedAt: new Date(event.recordedAt) })

  const { watch: _watch, ...rest } = memory
  const driver: StoreDriver = {
    ...rest,
    name: 'remote memory',
    polling: { min: 5, max: 50 },
    append: (request) => call('append', request),
    appendMany: (all) => call('appendMany', all),
    readStream: async function* (query) {
      const batches = await call<StoredEvent[][]>('readStream', query)
      for (const batch of batches) yield batch.map(dated)
    },
    readAll: async function* (query) {
      type Batch = { events: StoredEvent[]; scannedTo: string; atHead: boolean }
      const batches = await call<Batch[]>('readAll', query)
      for (const batch of batches) yield { ...batch, events: batch.events.map(dated) }
    },
    streamVersion: (streamId) => call('streamVersion', streamId),
    headPosition: () => call('headPosition'),
    loadCheckpoint: (id) => call('loadCheckpoint', id),
    saveCheckpoint: (id, position, expected) =>
      // JSON has no undefined.
      call('saveCheckpoint', id, position, ...(expected === undefined ? [] : [expected])),
    deleteCheckpoint: (id) => call('deleteCheckpoint', id),
    loadSnapshot: (id) => call('loadSnapshot', id),
    saveSnapshot: (id, version, state) => call('saveSnapshot', id, version, state),
    deleteSnapshot: (id) => call('deleteSnapshot', id),
    close: async () => void socket?.destroy(),
    translateError: (error) => ({
      error: new UnavailableError(`The memory server failed: ${String(error)}`, { cause: error }),
      retryable: true,
      outcomeUnknown: true,
    }),
  }
  return createEventStore(driver, options)
}
