// What every command of this repository needs first: pnpm at the right version, the dependencies of the lockfile,
// and the builds. Plain Node without dependencies, because it runs before there are any. Quick when all is there.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const cache = join(root, '.cache')

export function say(text) {
  process.stderr.write(`[setup] ${text}\n`)
}

/**
 * Installs and builds what is missing or out of date, and returns the environment in which to run the tools.
 * @param {{ build?: 'all' | 'none' | string }} [options] `build`: the package to build, with all that it depends on.
 */
export function setUp({ build = 'all' } = {}) {
  requireNode()
  const env = {
    ...process.env,
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
  }
  const folder = pnpmFolder()
  if (folder !== undefined) env.PATH = `${folder}${delimiter}${env.PATH ?? ''}`
  install(env)
  if (build !== 'none') buildPackages(env, build)
  return env
}

/** Runs a program in the foreground; resolves with its exit code. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
    // Ctrl-C goes to the whole process group; we stay until the child has tidied up.
    const wait = () => {}
    const forward = (signal) => child.kill(signal)
    process.on('SIGINT', wait)
    process.on('SIGTERM', forward)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('SIGINT', wait)
      process.off('SIGTERM', forward)
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1))
    })
  })
}

/** The path of a tool that the root package depends on. */
export function tool(name) {
  return join(root, 'node_modules', '.bin', name)
}

export function fail(text) {
  say(text)
  process.exit(1)
}

function requireNode() {
  const wanted = manifest().engines.node.replace('>=', '')
  const [major = 0, minor = 0] = wanted.split('.').map(Number)
  const [haveMajor = 0, haveMinor = 0] = process.versions.node.split('.').map(Number)
  if (haveMajor < major || (haveMajor === major && haveMinor < minor)) {
    fail(`Node ${wanted} or later is needed; this is ${process.versions.node}.`)
  }
}

function manifest() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

/** Where pnpm lies, at the version of package.json; undefined if the one on the PATH is it. */
function pnpmFolder() {
  const version = manifest().packageManager.replace('pnpm@', '')
  const found = spawnSync('pnpm', ['--version'], {
    encoding: 'utf8',
    // Neither pnpm nor a corepack shim is to download another version of itself only to say its version.
    env: {
      ...process.env,
      npm_config_manage_package_manager_versions: 'false',
      COREPACK_ENABLE_NETWORK: '0',
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  if (found.status === 0 && found.stdout.trim() === version) return undefined
  const prefix = join(cache, `pnpm-${version}`)
  const folder = join(prefix, 'node_modules', '.bin')
  if (!existsSync(join(folder, 'pnpm'))) {
    say(`installing pnpm ${version} with npm, into ${prefix}`)
    mkdirSync(prefix, { recursive: true })
    writeFileSync(join(prefix, 'package.json'), '{ "private": true }\n')
    const npm = spawnSync(
      'npm',
      ['install', '--no-audit', '--no-fund', '--no-save', `pnpm@${version}`],
      { cwd: prefix, stdio: ['ignore', 'ignore', 'inherit'] },
    )
    if (npm.status !== 0) fail(`npm could not install pnpm ${version}.`)
  }
  return folder
}

function install(env) {
  // Everything that decides what is installed.
  const state = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', '.npmrc']) {
    state.update(readFileSync(join(root, file)))
  }
  const digest = state.update(process.versions.modules).digest('hex')
  const stamp = join(root, 'node_modules', '.annals-installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  say('installing the dependencies of the lockfile')
  const pnpm = spawnSync('pnpm', ['install', '--frozen-lockfile', '--reporter=append-only'], {
    cwd: root,
    env: { ...env, CI: 'true' }, // it must not ask questions
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (pnpm.status !== 0) {
    process.stderr.write(`${pnpm.stdout}${pnpm.stderr}`)
    fail(`pnpm install failed${pnpm.error === undefined ? '' : `: ${pnpm.error.message}`}.`)
  }
  writeFileSync(stamp, digest)
}

function buildPackages(env, which) {
  say(`building ${which === 'all' ? 'all packages' : which}`)
  const args = ['run', 'build', '--output-logs=errors-only', '--ui=stream']
  if (which !== 'all') args.push(`--filter=${which}`)
  const turbo = spawnSync(tool('turbo'), args, {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (turbo.status !== 0) {
    process.stderr.write(`${turbo.stdout}${turbo.stderr}`)
    fail(`The build failed${turbo.error === undefined ? '' : `: ${turbo.error.message}`}.`)
  }
}
