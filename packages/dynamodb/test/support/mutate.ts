import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { StoreFactory } from './interleave.js'

export interface Mutant {
  readonly name: string
  /** The scenario that must find it out. */
  readonly scenario: string
  readonly edits: readonly {
    readonly file: string
    readonly find: string
    readonly replace: string
  }[]
}

let copies = 0

/** The store with a fault in its source: a copy of it beside the tests, for as long as the tests run. */
export async function mutated({ edits }: Mutant): Promise<{ factory: StoreFactory; drop(): void }> {
  const folder = fileURLToPath(new URL(`../.mutant-${process.pid}-${++copies}`, import.meta.url))
  cpSync(fileURLToPath(new URL('../../src', import.meta.url)), folder, { recursive: true })
  for (const { file, find, replace } of edits) {
    const path = `${folder}/${file}`
    const source = readFileSync(path, 'utf8')
    if (source.split(find).length !== 2) {
      rmSync(folder, { recursive: true })
      throw new Error(`${file} does not contain exactly once: ${find}`)
    }
    writeFileSync(
      path,
      source.replace(find, () => replace),
    )
  }
  const { dynamoDbStore } = await import(`${folder}/index.ts`)
  return { factory: dynamoDbStore, drop: () => rmSync(folder, { recursive: true }) }
}
