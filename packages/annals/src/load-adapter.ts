import type { EventStore, StoreOptions } from '@annals/core'
import { AdapterBrokenError, AdapterNotInstalledError } from './adapter-errors.js'
import type { Adapter } from './adapters.js'

/** Opens a store on a URL of one scheme. It connects to nothing before the store's first call. */
export type StoreFactory = (url: string, options: StoreOptions) => EventStore | Promise<EventStore>

/** How a package is loaded. */
export type Importer = (packageName: string) => Promise<unknown>

// The name is a value, so that a bundler does not demand packages of databases that the application does not use.
const importPackage: Importer = (packageName) => import(/* @vite-ignore */ packageName)

/**
 * The adapter's function that opens a store.
 * @throws AdapterNotInstalledError, AdapterBrokenError
 */
export async function loadAdapter(
  adapter: Adapter,
  scheme: string,
  importer: Importer = importPackage,
): Promise<StoreFactory> {
  const modules: unknown[] = []
  const missing: string[] = []
  let cause: unknown
  for (const packageName of adapter.packages) {
    try {
      modules.push(await importer(packageName))
    } catch (error) {
      if (!isMissing(error, packageName)) {
        const problem = `failed to load: ${messageOf(error)}`
        throw new AdapterBrokenError(scheme, packageName, problem, install([packageName]), {
          cause: error,
        })
      }
      missing.push(packageName)
      cause = error
    }
  }
  if (missing.length > 0) {
    throw new AdapterNotInstalledError(scheme, missing, install(missing), { cause })
  }
  const factory = (modules[0] as Record<string, unknown>)[adapter.entryPoint]
  if (typeof factory !== 'function') {
    const [packageName] = adapter.packages
    const problem = `does not export ${adapter.entryPoint}`
    throw new AdapterBrokenError(scheme, packageName, problem, install([packageName]))
  }
  return factory as StoreFactory
}

const install = (packages: readonly string[]) => `npm install ${packages.join(' ')}`

/**
 * Whether this very package is absent. A package that is there, but lacks a file or a dependency of its own, fails
 * with the same code; only the message names what was not found (Node: "Cannot find package 'x' imported from …").
 */
function isMissing(error: unknown, packageName: string): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return (
    (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') &&
    /^Cannot find (?:package|module) '([^']+)'/.exec(messageOf(error))?.[1] === packageName
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
