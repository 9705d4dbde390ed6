import {
  MemoryDatabase,
  memoryDriver,
  type StoreDriver,
  type TranslatedError,
  UnavailableError,
} from '../src/index.js'

/** What a database client would throw; the driver's translation says what it means. */
export class ClientError extends Error {
  constructor(
    readonly meaning: 'refused' | 'lost' | 'final',
    message = meaning,
  ) {
    super(message)
  }
}

/** A driver over a memory database in which single operations are replaced. */
export function driverWith(
  replace: (driver: StoreDriver, database: MemoryDatabase) => Partial<StoreDriver>,
  database = new MemoryDatabase(),
): StoreDriver {
  const driver = memoryDriver(database)
  return {
    ...driver,
    translateError(error): TranslatedError {
      const meaning = error instanceof ClientError ? error.meaning : 'final'
      return {
        error: new UnavailableError(`client: ${String(error)}`, { cause: error }),
        retryable: meaning !== 'final',
        outcomeUnknown: meaning === 'lost',
      }
    },
    ...replace(driver, database),
  }
}

/** Runs `before` on the first calls only. */
export function failing<A extends unknown[], R>(
  times: number,
  call: (...args: A) => Promise<R>,
  fail: (...args: A) => Promise<never>,
): (...args: A) => Promise<R> {
  let left = times
  return (...args) => (left-- > 0 ? fail(...args) : call(...args))
}
