import type { Release } from '@annals/core'
import type { SqliteFile } from './sqlite-file.js'

/**
 * Looks at `data_version` again and again: a number that changes when another connection has committed, of this process or
 * of another one. It is read from memory that the processes share, for some microseconds, whereas asking for events costs a
 * transaction. The reader's own connection never writes, so the commits of this handle count as well.
 */
export async function watch(
  file: SqliteFile,
  intervalMs: number,
  onNews: () => void,
  onLost: (error: unknown) => void,
): Promise<Release> {
  const read = () => file.reader.get('PRAGMA data_version')?.[0]
  let seen = read()
  const timer = setInterval(() => {
    try {
      const now = read()
      if (now === seen) return
      seen = now
      onNews()
    } catch (error) {
      clearInterval(timer)
      onLost(error)
    }
  }, intervalMs)
  return () => clearInterval(timer)
}
