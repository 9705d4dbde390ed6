import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AdapterBrokenError, AdapterNotInstalledError } from '../src/adapter-errors.js'
import { type Adapter, adapters } from '../src/adapters.js'
import { type Importer, loadAdapter } from '../src/load-adapter.js'

/** Node's own import, from a project of the test's own: each case is a real installation in a real state. */
let project: string
let importFromProject: Importer

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'annals-project-'))
  await file('package.json', '{"type":"module"}')
  await file('importer.cjs', 'exports.load = (name) => import(name)')
  await install('healthy', 'export const storeFromUrl = (url) => ({ opened: url })')
  await install('other-version', 'export const somethingElse = 1')
  await install('lacks-dependency', "import 'not-there'")
  await install('throws', "throw new Error('needs a newer runtime')")
  await file('node_modules/lacks-file/package.json', packageJson('lacks-file'))
  // Through require, which the test runner leaves to Node.
  const require = createRequire(import.meta.url)
  importFromProject = (require(join(project, 'importer.cjs')) as { load: Importer }).load
})

afterAll(() => rm(project, { recursive: true, force: true }))

const adapter = (...packages: [string, ...string[]]): Adapter => ({
  schemes: ['db'],
  example: 'db:x',
  packages,
  entryPoint: 'storeFromUrl',
})

const failureOf = (...packages: [string, ...string[]]) =>
  loadAdapter(adapter(...packages), 'db', importFromProject).then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )

test('an installed adapter gives its entry point', async () => {
  const factory = await loadAdapter(adapter('healthy'), 'db', importFromProject)
  expect(await factory('db:x', {})).toEqual({ opened: 'db:x' })
})

test('a missing adapter is named with the command that installs it', async () => {
  const error = await failureOf('not-there')
  expect(error).toBeInstanceOf(AdapterNotInstalledError)
  expect(error).toMatchObject({
    code: 'UNSUPPORTED',
    scheme: 'db',
    missing: ['not-there'],
    install: 'npm install not-there',
    message: 'A "db:" URL needs not-there, which is not installed. Run: npm install not-there',
    cause: { code: 'ERR_MODULE_NOT_FOUND' },
  })
})

test('all that is missing is named at once, and nothing that is there', async () => {
  expect(await failureOf('@scope/a', 'healthy', 'b')).toMatchObject({
    missing: ['@scope/a', 'b'],
    message:
      'A "db:" URL needs @scope/a and b, which are not installed. Run: npm install @scope/a b',
  })
  expect(await failureOf('healthy', 'b')).toMatchObject({ install: 'npm install b' })
})

test.each([
  ['lacks-dependency', /installed but failed to load: Cannot find package 'not-there'/],
  ['lacks-file', /installed but failed to load: Cannot find /],
  ['throws', /installed but failed to load: needs a newer runtime/],
  ['other-version', /installed but does not export storeFromUrl/],
] as const)('a broken adapter is not called missing: %s', async (name, message) => {
  const error = await failureOf(name)
  expect(error).toBeInstanceOf(AdapterBrokenError)
  expect(error).toMatchObject({
    code: 'UNSUPPORTED',
    packageName: name,
    message: expect.stringMatching(message) as string,
  })
  expect((error as Error).message).toContain(`npm install ${name}`)
})

test('each scheme is served by one package', () => {
  const schemes = adapters.flatMap((known) => known.schemes)
  expect(new Set(schemes).size).toBe(schemes.length)
  for (const known of adapters) {
    expect(known.schemes).toContain(/^[^:]+/.exec(known.example)?.[0])
  }
})

async function install(name: string, code: string): Promise<void> {
  await file(`node_modules/${name}/package.json`, packageJson(name))
  await file(`node_modules/${name}/index.js`, code)
}

const packageJson = (name: string) =>
  JSON.stringify({ name, version: '1.0.0', type: 'module', exports: './index.js' })

async function file(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(project, path)), { recursive: true })
  await writeFile(join(project, path), content)
}
