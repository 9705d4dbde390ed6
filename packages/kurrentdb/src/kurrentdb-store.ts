import { createEventStore, type EventStore, type StoreOptions } from '@annals/core'
import { KurrentDBClient } from '@kurrent/kurrentdb-client'
import { KurrentDbDriver } from './kurrentdb-driver.js'
import type { KurrentDbStoreOptions } from './options.js'
import { settingsOf } from './settings.js'

/**
 * The event store on KurrentDB 25 and later, or EventStoreDB 23.10 and 24.10, over the official client.
 *
 * ```ts
 * const store = kurrentDbStore({ connectionString: 'kurrentdb://localhost:2113?tls=false' })
 * ```
 *
 * Nothing is sent before the first call. `docs/kurrentdb.md` says what differs from other stores: repeats of appends
 * with 'any' and 'exists' are recognised as long as the server remembers them (`idempotentAny: 'bestEffort'`), and ids
 * are compared only where an expectation does not hold (`uniqueEventIds: 'none'`).
 */
export function kurrentDbStore(options: KurrentDbStoreOptions): EventStore {
  const settings = settingsOf(options, (address) => KurrentDBClient.connectionString(address))
  return createEventStore(new KurrentDbDriver(settings), options)
}

/**
 * A store from a URL alone, `kurrentdb://…` or `esdb://…`: a connection string of the client. The parameter
 * `namespace` is the store's own: `kurrentdb://localhost:2113?tls=false&namespace=shop`.
 */
export function kurrentDbStoreFromUrl(url: string, options: StoreOptions = {}): EventStore {
  const [address = '', query = ''] = url.split(/\?(.*)/s)
  const parameters = query.split('&').filter((parameter) => parameter !== '')
  const namespace = parameters.find((parameter) => parameter.startsWith('namespace='))
  const others = parameters.filter((parameter) => parameter !== namespace)
  return kurrentDbStore({
    ...options,
    connectionString: others.length > 0 ? `${address}?${others.join('&')}` : address,
    namespace: namespace && decodeURIComponent(namespace.slice('namespace='.length)),
  })
}
