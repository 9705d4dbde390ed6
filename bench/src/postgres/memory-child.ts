// A program: reads everything that is in a store, and writes how much memory it had as JSON.
//   memory-child <url> annals|annals-subscription|bare <number of events>
// With --expose-gc it collects garbage before it notes its memory, so that only what is in use counts.
import { pathToFileURL } from 'node:url'
import { postgresStore } from '@annals/postgres'
import pg from 'pg'

export type Reader = 'annals' | 'annals-subscription' | 'bare'

export interface MemorySample {
  readonly read: number
  readonly milliseconds: number
  /** Bytes. */
  readonly rss: number
  /** The heap and the buffers outside it. */
  readonly used: number
}

type Count = (events?: number) => void

const readers: Record<Reader, (url: string, count: Count) => Promise<void>> = {
  annals: async (url, count) => {
    const store = postgresStore({ connectionString: url })
    for await (const event of store.readAll()) if (event.version > 0) count()
    await store.close()
  },
  'annals-subscription': async (url, count) => {
    const store = postgresStore({ connectionString: url })
    for await (const message of store.subscribeToAll()) {
      if (message.kind === 'event') count()
      if (message.kind === 'caughtUp') break
    }
    await store.close()
  },
  bare: async (url, count) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const { rows } = await client.query('select * from events order by global_position')
    for (const row of rows) if (row !== undefined) count()
    await client.end()
  },
}

async function main(url: string, reader: Reader, expected: number): Promise<MemorySample[]> {
  const every = Math.max(expected / 50, 1)
  const started = performance.now()
  const samples: MemorySample[] = []
  let read = 0
  const note = () => {
    // Twice: what only weak references and finalizers held goes with the second.
    globalThis.gc?.()
    globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    const milliseconds = performance.now() - started
    samples.push({ read, milliseconds, rss, used: heapUsed + external })
  }
  note()
  await readers[reader](url, () => {
    if (++read % every === 0) note()
  })
  note()
  if (read < expected) throw new Error(`Read ${read} events of ${expected}`)
  return samples
}

const [file, url, reader, expected] = process.argv.slice(1)
if (file !== undefined && import.meta.url === pathToFileURL(file).href) {
  const samples = await main(url as string, reader as Reader, Number(expected))
  process.stdout.write(JSON.stringify(samples))
}
