import pg from 'pg'

/** Counts what is sent, LISTEN and the throttled NOTIFY excepted: they belong to no call. */
export function countingPool(config: pg.PoolConfig): {
  pool: pg.Pool
  count(): number
  texts: string[]
} {
  const texts: string[] = []
  class CountingClient extends pg.Client {
    override query(...args: unknown[]): never {
      const [query] = args as [string | { text?: string }]
      const text = typeof query === 'string' ? query : (query.text ?? '')
      if (!/pg_notify|^listen /.test(text)) texts.push(text)
      return super.query(...(args as [string])) as never
    }
  }
  const pool = new pg.Pool({ ...config, Client: CountingClient as unknown as typeof pg.Client })
  pool.on('error', () => {})
  return { pool, count: () => texts.length, texts }
}
