import type { StoreOptions } from '@annals/core'
import { sqliteStore } from '../../src/index.js'

/** How another process opens the file: for the suite's soak, and for the tests of two processes. */
export function openStore(file: unknown, options: StoreOptions = {}) {
  return sqliteStore({ ...options, file: String(file) })
}
