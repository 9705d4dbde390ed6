import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Harness } from './harness.js'

/** What is wrong with a harness module: said without a stack, because its author needs none. */
export class HarnessModuleError extends Error {}

/** The harness modules of a workspace's packages: `packages/<name>/test/harness.ts`. */
export function workspaceModules(root: string): string[] {
  const packages = join(root, 'packages')
  if (!existsSync(packages)) return []
  return readdirSync(packages)
    .sort()
    .flatMap((name) => {
      const path = join(packages, name, 'test', 'harness.ts')
      return existsSync(path) ? [path] : []
    })
}

/**
 * The stores of a module: its default export is a harness, a function that makes one, or a list of those. Each is made
 * when its turn comes, so that servers run one after the other.
 */
export async function loadHarnesses(path: string): Promise<(() => Promise<Harness>)[]> {
  const file = resolve(path)
  if (!existsSync(file)) throw new HarnessModuleError(`there is no file ${file}`)
  if (/\.[cm]?ts$/.test(file)) await loadTypeScript(file)
  const module = (await import(pathToFileURL(file).href)) as { default?: unknown }
  const exported: readonly unknown[] = Array.isArray(module.default)
    ? module.default
    : [module.default]
  return exported.map((one) => async () => {
    const made: unknown = await (typeof one === 'function' ? one() : one)
    if (typeof (made as Harness | undefined)?.open !== 'function')
      throw new HarnessModuleError(`${file} has no harness as its default export`)
    return made as Harness
  })
}

let typeScript: Promise<void> | undefined

/** TypeScript is read by tsx: the one that this package finds, or the one that is installed for the harness. */
function loadTypeScript(file: string): Promise<void> {
  typeScript ??= (async () => {
    // A name that the compiler does not resolve: tsx is needed only where a harness is written in TypeScript.
    const name: string = 'tsx/esm/api'
    const tsx = (await import(name)
      .catch(() => import(besideHarness(file)))
      .catch((cause: unknown) => {
        throw new HarnessModuleError(
          `${file}: a harness in TypeScript needs tsx: npm install --save-dev tsx, or build the harness`,
          { cause },
        )
      })) as { register(): unknown }
    tsx.register()
  })()
  return typeScript
}

/** The same module from the harness's side, which a strict package manager shows to nobody else. */
function besideHarness(file: string): string {
  const require = createRequire(file)
  const manifest = require.resolve('tsx/package.json')
  const { exports } = require(manifest) as { exports: Record<string, unknown> }
  const entry = exports['./esm/api'] as { import?: string | { default: string } }
  const path = typeof entry.import === 'object' ? entry.import.default : (entry.import ?? '')
  return pathToFileURL(join(dirname(manifest), path)).href
}
