import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StoreDriver } from '@annals/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RefusedError } from '../src/commands/command.js'
import { init } from '../src/commands/init.js'
import { hookNames } from '../src/index.js'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

function execute(command: string, args: readonly string[], cwd: string) {
  return new Promise<{ code: number; all: string }>((resolve) => {
    execFile(command, args, { cwd, maxBuffer: 1 << 26 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, all: `${out}${err}` })
    })
  })
}

/** The command on the sources, in a folder. */
const cli = (cwd: string, ...args: string[]) =>
  execute(
    process.execPath,
    ['--conditions=annals:source', '--import', 'tsx', path('../src/cli.ts'), ...args],
    cwd,
  )

/** Every member, or this does not compile. */
const members: Readonly<Record<keyof StoreDriver, true>> = {
  name: true,
  capabilities: true,
  limits: true,
  positionPattern: true,
  origin: true,
  polling: true,
  prepare: true,
  append: true,
  appendMany: true,
  findAppend: true,
  readStream: true,
  readAll: true,
  tailAll: true,
  tailStream: true,
  watch: true,
  streamVersion: true,
  headPosition: true,
  loadCheckpoint: true,
  saveCheckpoint: true,
  deleteCheckpoint: true,
  loadSnapshot: true,
  saveSnapshot: true,
  deleteSnapshot: true,
  migrate: true,
  close: true,
  translateError: true,
}

describe('init', () => {
  // Inside the workspace, so that both packages are found; ignored by git, compilers and linters.
  let place: string
  beforeAll(async () => {
    await mkdir(path('../data'), { recursive: true })
    place = await mkdtemp(path('../data/init-'))
  })
  afterAll(async () => {
    await rm(place, { recursive: true, force: true })
    // Left alone where somebody else's data lie in it.
    await rmdir(path('../data')).catch(() => {})
  })

  for (const [language, flags] of [
    ['ts', []],
    ['js', ['--js']],
  ] as const)
    it(`writes what compiles, runs, and fails its first case with advice: ${language}`, async () => {
      const folder = join(place, language)
      const written = await cli(place, 'init', language, ...flags)
      expect(written.code, written.all).toBe(0)
      const files = [`conformance.test.${language}`, `driver.${language}`, `harness.${language}`]
      expect(await readdir(folder)).toEqual(files)
      expect(written.all).toContain(
        `annals-conformance run ./${language}/harness.${language} --bail`,
      )

      await writeFile(
        join(folder, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            target: 'ES2022',
            lib: ['ES2023', 'ESNext.Disposable'],
            module: 'NodeNext',
            strict: true,
            noUncheckedIndexedAccess: true,
            exactOptionalPropertyTypes: true,
            noImplicitOverride: true,
            noUnusedLocals: true,
            noUnusedParameters: true,
            verbatimModuleSyntax: true,
            skipLibCheck: true,
            types: ['node'],
            noEmit: true,
            allowJs: true,
            checkJs: true,
            customConditions: ['annals:source'],
          },
          include: ['*.ts', '*.js'],
        }),
      )
      const compiled = await execute(path('../../node_modules/.bin/tsc'), ['-p', folder], place)
      expect(compiled.all).toBe('')
      expect(compiled.code).toBe(0)

      const run = await cli(folder, 'run', `./harness.${language}`, '--bail')
      expect(run.all).toContain('append of the driver is not written yet. Write it first')
      expect(run.all).toContain('the table under "Append" in docs/new-adapter.md')
      expect(run.all).toMatch(/\nall +· +1 +· +· +·\n/)
      expect(run.code, run.all).toBe(1)
    })

  it('overwrites nothing, and writes nothing beside what is there', async () => {
    const folder = join(place, 'taken')
    await mkdir(folder)
    const file = join(folder, 'harness.ts')
    await writeFile(file, 'mine')
    const refused = init([folder])
    await expect(refused).rejects.toBeInstanceOf(RefusedError)
    await expect(refused).rejects.toThrow(
      /overwrites nothing, and these are there: .*harness\.ts\./,
    )
    expect(await readFile(file, 'utf8')).toBe('mine')
    expect(await readdir(folder)).toEqual(['harness.ts'])
  })

  it('writes JavaScript modules where there is neither TypeScript nor a package', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-init-'))
    try {
      expect(await init([folder])).toBe(0)
      expect(await readdir(folder)).toEqual(['conformance.test.mjs', 'driver.mjs', 'harness.mjs'])
      expect(await readFile(join(folder, 'conformance.test.mjs'), 'utf8')).toContain(
        "from '@annals/conformance/node-test'",
      )
      expect(await readFile(join(folder, 'harness.mjs'), 'utf8')).toContain("from './driver.mjs'")
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('leaves out no member of a driver and no hook, and names chapters that are there', async () => {
    const folder = join(place, 'whole')
    expect(await init([folder])).toBe(0)
    const driver = await readFile(join(folder, 'driver.ts'), 'utf8')
    for (const member of Object.keys(members)) expect(driver).toMatch(new RegExp(`\\b${member}\\b`))
    const harness = await readFile(join(folder, 'harness.ts'), 'utf8')
    for (const hook of hookNames) expect(harness).toContain(`${hook}: 'not built yet',`)
    const guide = await readFile(path('../../docs/new-adapter.md'), 'utf8')
    for (const chapter of ['Append', 'The global order', 'Reading', 'Errors']) {
      expect(driver).toContain(`"${chapter}"`)
      expect(guide).toContain(`\n### ${chapter}\n`)
    }
    for (const [, document] of `${driver}${harness}`.matchAll(/(docs\/[a-z-]+\.md)/g))
      expect(existsSync(path(`../../${document}`)), document).toBe(true)
  })
})
