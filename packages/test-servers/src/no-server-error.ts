/** What was tried in order to get a server, and why it did not serve. */
export interface Attempt {
  /** The source's name, e.g. 'embedded'. */
  readonly source: string
  readonly reason: string
}

/**
 * No server of the wanted kind is to be had on this machine. The message names each source that was tried and
 * says how to get a server; `code` is 'NO_SERVER'.
 */
export class NoServerError extends Error {
  readonly code = 'NO_SERVER'
  readonly server: string
  readonly tried: readonly Attempt[]

  constructor(server: string, tried: readonly Attempt[], remedies: readonly string[]) {
    const lines = [
      `No ${server} to be had here.`,
      ...tried.map(({ source, reason }) => `  tried ${source}: ${reason}`),
      'To get one, do any of these:',
      ...remedies.map((remedy) => `  - ${remedy}`),
    ]
    super(lines.join('\n'))
    this.name = 'NoServerError'
    this.server = server
    this.tried = tried
  }
}

/** Whether a value is a `NoServerError`, also one of another copy of this package. */
export function isNoServerError(error: unknown): error is NoServerError {
  return error instanceof Error && (error as { code?: unknown }).code === 'NO_SERVER'
}

/** The reason to write down for a failed attempt. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(reasonOf).join('; ')
  }
  return error instanceof Error ? error.message : String(error)
}
