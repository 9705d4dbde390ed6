import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { EventStore, StoreOptions } from '@annals/core'

/** How another process opens the store. JSON, because it is sent there. */
export type WorkerStore =
  /** With `openEventStore` of the package `annals`, found from the working directory. */
  | { readonly url: string }
  /**
   * With a function that a module exports: `(args, options) => EventStore`, or a promise of one. It must hand `options`
   * on to the store.
   */
  | { readonly module: string; readonly export?: string; readonly args?: unknown }

export type OpenWorkerStore = (
  args: unknown,
  options: StoreOptions,
) => EventStore | Promise<EventStore>

export async function openWorkerStore(
  worker: WorkerStore,
  options: StoreOptions,
): Promise<EventStore> {
  if ('url' in worker) {
    const from = createRequire(join(process.cwd(), 'history.js'))
    const annals = await load(pathToFileURL(from.resolve('annals')).href, 'openEventStore')
    return annals(worker.url, options)
  }
  const url = worker.module.startsWith('file:') ? worker.module : pathToFileURL(worker.module).href
  const open = await load(url, worker.export ?? 'openStore')
  return open(worker.args, options)
}

async function load(url: string, name: string): Promise<OpenWorkerStore> {
  const module = (await import(url)) as Record<string, unknown>
  const found = module[name]
  if (typeof found !== 'function') {
    throw new TypeError(`${url} does not export a function ${name} that opens a store`)
  }
  return found as OpenWorkerStore
}
