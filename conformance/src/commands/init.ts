import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { driverSkeleton } from '../skeleton/driver-skeleton.js'
import { harnessSkeleton } from '../skeleton/harness-skeleton.js'
import { words } from '../skeleton/language.js'
import { testSkeleton } from '../skeleton/test-skeleton.js'
import { type Command, RefusedError, UsageError } from './command.js'

/** Writes what an author of a store begins with: a driver to be filled in, a harness, and a test. Overwrites nothing. */
export const init: Command = async (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { js: { type: 'boolean' } },
  })
  if (positionals.length > 1) throw new UsageError('init takes one folder')
  const folder = resolve(positionals[0] ?? '.')
  const isTypeScript = !values.js && (has(folder, 'typescript') || has(folder, 'tsx'))
  const isModule = packageType(folder) === 'module'
  const extension = `${isModule ? '' : 'm'}${isTypeScript ? 'ts' : 'js'}`
  const language = words(isTypeScript ? 'ts' : 'js', isModule ? '.js' : '.mjs')
  const runner = has(folder, 'vitest') ? 'vitest' : 'node-test'
  const files = [
    [`driver.${extension}`, driverSkeleton(language)],
    [`harness.${extension}`, harnessSkeleton(language)],
    [`conformance.test.${extension}`, testSkeleton(language, runner)],
  ] as const

  const there = files.map(([name]) => join(folder, name)).filter((file) => existsSync(file))
  if (there.length > 0)
    throw new RefusedError(
      `init overwrites nothing, and these are there: ${there.map(shown).join(', ')}. Name another folder, or move them away.`,
    )
  await mkdir(folder, { recursive: true })
  for (const [name, text] of files) await writeFile(join(folder, name), text, { flag: 'wx' })

  const harness = shown(join(folder, `harness.${extension}`))
  const test = shown(join(folder, `conformance.test.${extension}`))
  const loader = isTypeScript ? '--import tsx ' : ''
  const command = runner === 'vitest' ? `npx vitest run ${test}` : `node ${loader}--test ${test}`
  console.log(
    [
      ...files.map(([name]) => `wrote ${shown(join(folder, name))}`),
      '',
      'Begin with append in the driver. At any time:',
      `  npx annals-conformance run ${harness} --bail`,
      `  ${command}`,
      ...(isTypeScript && !has(folder, 'tsx')
        ? [
            '',
            'The command loads TypeScript through tsx, which is not installed: npm install --save-dev tsx',
          ]
        : []),
    ].join('\n'),
  )
  return 0
}

function shown(file: string): string {
  const path = relative(process.cwd(), file)
  return path.startsWith('..') ? file : `./${path}`
}

/** Whether a package is installed for the files of a folder. */
function has(folder: string, name: string): boolean {
  return ancestors(folder).some((at) => existsSync(join(at, 'node_modules', name, 'package.json')))
}

/** How node takes the folder's files: 'module', or what it takes where nothing is said. */
function packageType(folder: string): string {
  const at = ancestors(folder).find((one) => existsSync(join(one, 'package.json')))
  if (at === undefined) return 'commonjs'
  const manifest = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')) as { type?: string }
  return manifest.type ?? 'commonjs'
}

/** A folder and all that it lies in, from the inside out. */
function ancestors(folder: string): string[] {
  const parent = dirname(folder)
  return parent === folder ? [folder] : [folder, ...ancestors(parent)]
}
