// The packages of the workspace, read from the folders that pnpm-workspace.yaml names.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './setup.mjs'

/** @returns {{ folder: string, manifest: Record<string, any> }[]} */
export function workspace() {
  return packageFolders()
    .map((folder) => ({ folder, file: join(folder, 'package.json') }))
    .filter(({ file }) => existsSync(file))
    .map(({ folder, file }) => ({ folder, manifest: JSON.parse(readFileSync(file, 'utf8')) }))
}

function packageFolders() {
  const lines = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8').split('\n')
  const start = lines.indexOf('packages:') + 1
  const length = lines.slice(start).findIndex((line) => !line.startsWith('  - '))
  return lines
    .slice(start, length === -1 ? undefined : start + length)
    .map((line) => line.slice('  - '.length).replaceAll(/["']/g, '').trim())
    .flatMap((pattern) => {
      if (!pattern.endsWith('/*')) return [join(root, pattern)]
      const parent = join(root, pattern.slice(0, -2))
      if (!existsSync(parent)) return []
      return readdirSync(parent).map((name) => join(parent, name))
    })
}
