// Tries each public package as a user gets it: packed, installed from the tarballs into an empty project by plain npm,
// type-checked there with `skipLibCheck` off, and run. A package takes part by being public; what is to be compiled
// and run with it is its own test/smoke.ts, which prints 'ok' last.
import { spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root, setUp, tool } from './setup.mjs'
import { workspace } from './workspace.mjs'

/**
 * Runs the test and writes a report in the shape of vitest's.
 * @param {{ env: NodeJS.ProcessEnv, report?: string, only?: readonly string[] }} options
 * @returns {Promise<boolean>} whether all checks passed
 */
export async function packTest({ env, report, only = [] }) {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'annals-packing-')))
  const results = []
  try {
    const packages = workspace().filter(({ manifest }) => manifest.private !== true)
    const tarballs = await pack(packages, place, env, results)
    for (const each of packages) {
      if (only.length > 0 && !only.includes(each.manifest.name)) continue
      await tryPackage(each, { tarballs, packages, place, env, results })
    }
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
  const failed = results.filter(({ status }) => status === 'failed').length
  if (report !== undefined) {
    const summary = {
      numTotalTests: results.length,
      numPassedTests: results.length - failed,
      numFailedTests: failed,
      numPendingTests: 0,
      success: failed === 0,
      testResults: [{ status: failed > 0 ? 'failed' : 'passed', assertionResults: results }],
    }
    writeFileSync(report, JSON.stringify(summary))
  }
  return failed === 0
}

/** Packs all packages; resolves with the tarball of each by name. */
async function pack(packages, place, env, results) {
  const tarballs = new Map()
  for (const { folder, manifest } of packages) {
    await check(results, `${manifest.name} packs what it should, and nothing else`, async () => {
      const target = join(place, `tarballs-${tarballs.size}`)
      mkdirSync(target)
      const out = await output('pnpm', ['pack', '--json', '--pack-destination', target], {
        cwd: folder,
        env,
      })
      const packed = JSON.parse(out.slice(out.indexOf('{')))
      tarballs.set(manifest.name, packed.filename)
      await examine(packed.filename)
    })
  }
  return tarballs
}

async function examine(tarball) {
  const list = await output('tar', ['-tzf', tarball])
  const files = list
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''))
  for (const needed of [
    'package.json',
    'LICENSE',
    'README.md',
    'dist/index.js',
    'dist/index.d.ts',
  ]) {
    if (!files.includes(needed)) throw new Error(`${needed} is missing in the tarball`)
  }
  const stray = files.filter((file) => !/^(dist\/|package\.json$|LICENSE$|README\.md$)/.test(file))
  if (stray.length > 0) throw new Error(`not meant for users: ${stray.join(', ')}`)
  const manifest = await output('tar', ['-xzOf', tarball, 'package/package.json'])
  // What only works inside of the workspace.
  for (const inner of ['workspace:', 'annals:source']) {
    if (manifest.includes(inner)) throw new Error(`the packed package.json has "${inner}"`)
  }
}

async function tryPackage({ folder, manifest }, { tarballs, packages, place, env, results }) {
  const { name } = manifest
  const project = join(place, name.replaceAll('/', '-').replace('@', ''))
  const smoke = join(folder, 'test', 'smoke.ts')
  const ready = await check(
    results,
    `${name} installs from its tarball with plain npm`,
    async () => {
      if (!existsSync(smoke)) {
        throw new Error(`it has no test/smoke.ts, a few lines that use it as a user would`)
      }
      mkdirSync(project)
      const dependencies = { '@types/node': versionOf('@types/node') }
      // The other packages of the workspace are in no registry yet, so their tarballs stand beside it.
      for (const each of closure(name, packages)) dependencies[each] = `file:${tarballs.get(each)}`
      // What it leaves to the user to install, and the tests here use.
      for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
        const version = manifest.devDependencies?.[peer]
        if (version !== undefined && !tarballs.has(peer)) dependencies[peer] = version
      }
      write(project, 'package.json', { private: true, type: 'module', dependencies })
      await output('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], {
        cwd: project,
        env: outside(env),
      })
    },
  )
  if (!ready) return
  const compiled = await check(results, `${name} type-checks with skipLibCheck off`, async () => {
    mkdirSync(join(project, 'src'))
    copyFileSync(smoke, join(project, 'src', 'smoke.ts'))
    write(project, 'tsconfig.json', {
      compilerOptions: {
        target: 'ES2022',
        lib: ['ES2023', 'ESNext.Disposable'],
        module: 'NodeNext',
        strict: true,
        exactOptionalPropertyTypes: true,
        verbatimModuleSyntax: true,
        skipLibCheck: false,
        types: ['node'],
        rootDir: 'src',
        outDir: 'out',
      },
      include: ['src'],
    })
    await output(tool('tsc'), ['-p', project], { cwd: project })
  })
  if (!compiled) return
  await check(results, `${name} runs`, async () => {
    const out = await output(process.execPath, [join(project, 'out', 'smoke.js')], {
      cwd: project,
      env: outside(env),
    })
    if (!out.trimEnd().endsWith('ok')) throw new Error(`smoke.ts did not end with 'ok':\n${out}`)
  })
}

/** A package and everything of the workspace that it depends on, or may be used with. */
function closure(name, packages, found = new Set()) {
  const each = packages.find(({ manifest }) => manifest.name === name)
  if (each === undefined || found.has(name)) return found
  found.add(name)
  const { dependencies, peerDependencies } = each.manifest
  for (const other of Object.keys({ ...dependencies, ...peerDependencies })) {
    closure(other, packages, found)
  }
  return found
}

function versionOf(dependency) {
  const file = join(root, 'node_modules', ...dependency.split('/'), 'package.json')
  return JSON.parse(readFileSync(file, 'utf8')).version
}

/** The environment of a user's shell, without what npm and pnpm hand to their scripts. */
function outside(env) {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(npm|pnpm)_|^NODE_OPTIONS$|^INIT_CWD$/i.test(name)),
  )
}

function write(folder, name, content) {
  writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`)
}

async function check(results, fullName, work) {
  try {
    await work()
    results.push({ fullName, status: 'passed' })
    console.log(`packing:  ok      ${fullName}`)
    return true
  } catch (error) {
    results.push({ fullName, status: 'failed' })
    console.log(`packing:  FAILED  ${fullName}\n${error.message.replaceAll(/^/gm, '    ')}`)
    return false
  }
}

function output(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let all = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
      all += chunk
    })
    child.stderr.on('data', (chunk) => {
      all += chunk
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(out)
      else reject(new Error(`${basename(command)} ended with ${code}:\n${all.trim()}`))
    })
  })
}

// node scripts/pack-test.mjs [package …]
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const passed = await packTest({ env: setUp(), only: process.argv.slice(2) })
  process.exitCode = passed ? 0 : 1
}
