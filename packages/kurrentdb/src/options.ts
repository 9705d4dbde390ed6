import { InvalidArgumentError, type StoreOptions } from '@annals/core'
import type { KurrentDBClient } from '@kurrent/kurrentdb-client'

/** Options of `kurrentDbStore`: a connection string or a client, and what every store takes. */
export interface KurrentDbStoreOptions extends StoreOptions {
  /**
   * The database's address as the official client takes it, e.g.
   * `kurrentdb://user:password@node1:2113,node2:2113?tls=true`. The store opens clients of its own, replaces one that
   * has got stuck, and disposes of them in `close()`. `esdb://` is accepted as well.
   */
  readonly connectionString?: string | undefined
  /**
   * Instead of a connection string: your own client, which the store uses but never disposes of; or a function that
   * makes one, whose clients are the store's own, as with a connection string. Prefer the function: a client whose
   * first read failed never reads again, and only a new one helps.
   */
  readonly client?: KurrentDBClient | (() => KurrentDBClient) | undefined
  /**
   * Keeps this store's streams apart from others on the same server: stream `Order-1` is kept as
   * `<namespace>/Order-1`, and no other stream is ever read. Letters, digits, `_` and `.`, at most 64. Default: none;
   * the store then holds every stream of the server that is neither the system's nor the adapter's own.
   */
  readonly namespace?: string | undefined
  /**
   * How long one request may stay without any answer, in milliseconds. Default: 5,000. The client's own deadline does
   * not apply to reads and to batched appends.
   */
  readonly deadlineMs?: number | undefined
}

/** The options with their defaults, checked. */
export interface Settings {
  /** Makes a client of the store's own, or null where the application's client is used. */
  readonly open: (() => KurrentDBClient) | null
  readonly given: KurrentDBClient | null
  readonly namespace: string
  readonly deadlineMs: number
}

export function settingsOf(
  options: KurrentDbStoreOptions,
  connect: (connectionString: string) => KurrentDBClient,
): Settings {
  const { connectionString, client, namespace = '', deadlineMs = 5_000 } = options
  if ((connectionString === undefined) === (client === undefined))
    throw new InvalidArgumentError(
      'options',
      'must have either a connectionString or a client, and not both',
    )
  if (namespace !== '' && !/^[A-Za-z0-9_.]{1,64}$/.test(namespace))
    throw new InvalidArgumentError(
      'options.namespace',
      'must be 1 to 64 letters, digits, "_" or "."',
    )
  if (!Number.isSafeInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > 2_147_483_647)
    throw new InvalidArgumentError(
      'options.deadlineMs',
      'must be a positive number of milliseconds',
    )
  if (connectionString !== undefined) {
    const normal = normalize(connectionString)
    return { open: () => connect(normal), given: null, namespace, deadlineMs }
  }
  if (typeof client === 'function') return { open: client, given: null, namespace, deadlineMs }
  return { open: null, given: client as KurrentDBClient, namespace, deadlineMs }
}

/**
 * - `esdb` is the scheme's old name; the client warns of it on the console.
 * - The client's native reader waits `discoveryInterval` (half a second) before its first read, even of a single node,
 *   where there is nothing to discover.
 * - With `throwOnAppendFailure=false` the client reports revision 1 for a conflict on its batch path, whatever the true
 *   one is.
 */
function normalize(connectionString: string): string {
  const match = /^(?:esdb|kurrentdb|kurrent|kdb)(\+discover)?:\/\/([^?]*)(?:\?(.*))?$/.exec(
    connectionString.trim(),
  )
  if (!match)
    throw new InvalidArgumentError(
      'options.connectionString',
      'must look like kurrentdb://host:2113?tls=true',
    )
  const [, discover = '', hosts = '', query = ''] = match
  const single = discover === '' && !hosts.includes(',')
  const parameters = query.split('&').filter((p) => p !== '' && !/^throwOnAppendFailure=/i.test(p))
  if (single && !parameters.some((p) => /^discoveryInterval=/i.test(p)))
    parameters.push('discoveryInterval=0')
  return `kurrentdb${discover}://${hosts.replace(/\/+$/, '')}${
    parameters.length > 0 ? `?${parameters.join('&')}` : ''
  }`
}
