import { InvalidArgumentError } from '@annals/core'
import type { KurrentDBClient } from '@kurrent/kurrentdb-client'
import type { KurrentDbStoreOptions } from './options.js'

/** The options with their defaults, checked. */
export interface Settings {
  /** Makes a client of the store's own, or null where the application's client is used. */
  readonly open: (() => KurrentDBClient) | null
  readonly given: KurrentDBClient | null
  readonly namespace: string
  /**
   * How long a request may stay without any answer: core's `attemptTimeoutMs`. The adapter keeps it too, because it must
   * know which client has got stuck, and because core sets no limit to a subscription.
   */
  readonly deadlineMs: number
}

const defaultDeadlineMs = 10_000

export function settingsOf(
  options: KurrentDbStoreOptions,
  connect: (connectionString: string) => KurrentDBClient,
): Settings {
  const { connectionString, client, namespace = '' } = options
  const deadlineMs = options.attemptTimeoutMs ?? defaultDeadlineMs
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
  if (connectionString !== undefined) {
    const normal = normalize(connectionString)
    return { open: () => connect(normal), given: null, namespace, deadlineMs }
  }
  if (typeof client === 'function')
    return { open: client as () => KurrentDBClient, given: null, namespace, deadlineMs }
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
