import { InvalidArgumentError, memoryStore } from '@annals/core'
import { adapters } from './adapters.js'
import { loadAdapter, type StoreFactory } from './load-adapter.js'

const registered = new Map<string, StoreFactory>()

/**
 * Lets `openEventStore` open the URLs of a further scheme, for this process:
 *
 * ```ts
 * registerScheme('sqlite', async (url, options) =>
 *   sqliteStore(decodeURIComponent(new URL(url).pathname), options),
 * )
 * ```
 *
 * The factory gets the URL as text, for not every connection string is one that `new URL` takes, and the options as they
 * were given. It may be asynchronous. It should send nothing:
 * a store connects at its first call.
 *
 * @param scheme The name, with or without the colon. A scheme that is known already, a built-in one too, is replaced.
 * @returns A function that takes the registration back.
 * @throws INVALID_ARGUMENT for what cannot be a URL's scheme.
 */
export function registerScheme(scheme: string, factory: StoreFactory): () => void {
  const name = typeof scheme === 'string' ? scheme.replace(/:$/, '').toLowerCase() : ''
  if (!/^[a-z][a-z0-9+.-]*$/.test(name)) {
    throw new InvalidArgumentError(
      'scheme',
      'must be the scheme of a URL: a letter, then letters, digits, "+", "-" and "."',
    )
  }
  if (typeof factory !== 'function') {
    throw new InvalidArgumentError('factory', 'must be a function that opens a store')
  }
  const previous = registered.get(name)
  registered.set(name, factory)
  return () => {
    if (registered.get(name) !== factory) return
    if (previous) registered.set(name, previous)
    else registered.delete(name)
  }
}

/** The schemes that `openEventStore` knows now, without the colon. Whether a built-in one's package is installed shows when it is used. */
export function knownSchemes(): string[] {
  const builtIn = adapters.flatMap((adapter) => adapter.schemes)
  return [...new Set(['memory', ...builtIn, ...registered.keys()])]
}

/**
 * The function that opens URLs of this scheme.
 * @throws INVALID_ARGUMENT for an unknown scheme; UNSUPPORTED where its package is missing or broken.
 */
export async function factoryFor(scheme: string): Promise<StoreFactory> {
  const custom = registered.get(scheme)
  if (custom) return custom
  if (scheme === 'memory') return openMemory
  const adapter = adapters.find(({ schemes }) => schemes.includes(scheme))
  if (adapter) return loadAdapter(adapter, scheme)
  throw new InvalidArgumentError(
    'url',
    `has the unknown scheme "${scheme}:". Known are ${knownSchemes().join(', ')}; registerScheme adds others.`,
  )
}

const openMemory: StoreFactory = (url, options) => {
  if (url.toLowerCase() !== 'memory:') {
    throw new InvalidArgumentError(
      'url',
      'must be just "memory:": each such store is an empty one of its own and takes no name or settings',
    )
  }
  return memoryStore(options)
}
