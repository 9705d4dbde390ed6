import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

type Environment = Readonly<Record<string, string | undefined>>

/** The browser that is here: CHROME_PATH, or the first on the PATH. */
export function findChromium(env: Environment = process.env): string | undefined {
  if (env.CHROME_PATH) return env.CHROME_PATH
  for (const folder of (env.PATH ?? '').split(delimiter))
    for (const name of names) {
      const file = join(folder, name)
      if (isExecutable(file)) return file
    }
  return undefined
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The browser that is here; on Debian, as root, one is installed where there is none. Fails where none is to be had. */
export function requireChromium(env: Environment = process.env, install = installChromium): string {
  const found = findChromium(env)
  if (found !== undefined) return found
  const why = install()
  const installed = findChromium(env)
  if (installed !== undefined) return installed
  throw new Error(
    `The report is tried in a real browser, and there is none (${why ?? 'apt-get has put none on the PATH'}). ` +
      'Install one (Debian: apt-get install chromium), or name it in CHROME_PATH.',
  )
}

/** Why it was not installed; undefined where it was. */
function installChromium(): string | undefined {
  if (process.getuid?.() !== 0) return 'and only root could install it'
  if (!existsSync('/usr/bin/apt-get')) return 'and there is no apt-get to install it with'
  process.stderr.write('[browser] installing chromium with apt-get\n')
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    const ended = spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=180', ...args], {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    if (ended.status !== 0)
      return `apt-get ${args.join(' ')} ended with ${ended.status}: ${ended.stderr.trim().slice(-400)}`
  }
  return undefined
}

/** Starts it with an empty profile of its own, and with everything off that asks the network by itself. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: requireChromium(),
    chromiumSandbox: false, // it refuses to run as root with it
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
