import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of its own for a test's file, and its end. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'annals-sqlite-'))
  return {
    file: join(path, 'annals.db'),
    remove: () => rm(path, { recursive: true, force: true }),
  }
}
