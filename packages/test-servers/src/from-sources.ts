import { type Attempt, NoServerError, reasonOf } from './no-server-error.js'
import { announce, type TestServer } from './test-server.js'

export interface Search<Source extends string, S extends TestServer> {
  /** The server's name, e.g. 'PostgreSQL'. */
  readonly server: string
  /** The environment variable that may hold an address. */
  readonly variable: string
  /** All sources in the order in which they are tried; 'url' is the one of the variable. */
  readonly sources: Readonly<Record<Source, () => Promise<S>>>
  /** How to get a server, one line each. */
  readonly remedies: readonly string[]
}

/**
 * Gets a server from the wanted source, or from the first that has one. An address that was given must serve: to
 * fall back on another server would be to test the wrong one.
 */
export async function fromSources<Source extends string, S extends TestServer>(
  search: Search<Source, S>,
  wanted: Source | 'any',
  options: { readonly announce?: boolean },
): Promise<S> {
  const tried: Attempt[] = []
  for (const source of candidates(search, wanted)) {
    try {
      const server = await search.sources[source]()
      if (options.announce !== false) announce(server)
      return server
    } catch (error) {
      tried.push({ source, reason: reasonOf(error) })
    }
  }
  throw new NoServerError(search.server, tried, search.remedies)
}

/** The address in a variable. */
export function addressIn(variable: string): string {
  const address = process.env[variable]
  if (address === undefined || address === '') throw new Error(`${variable} is not set`)
  return address
}

function candidates<Source extends string, S extends TestServer>(
  { sources, variable }: Search<Source, S>,
  wanted: Source | 'any',
): readonly Source[] {
  if (wanted !== 'any') return [wanted]
  const names = Object.keys(sources) as Source[]
  const given = (process.env[variable] ?? '') !== ''
  return names.filter((name) => (name === 'url') === given)
}
