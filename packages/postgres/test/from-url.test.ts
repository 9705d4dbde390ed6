import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { postgresStoreFromUrl } from '../src/index.js'

describe('a store from a URL', () => {
  it.each([
    ['postgres://me:hunter2@host:port/db', 'not one that PostgreSQL clients read'],
    ['mysql://me:hunter2@host/db', 'must begin with'],
    ['pglite:', 'must name a folder'],
    ['pglite:./data?x=1', 'takes no parameter'],
  ])('refuses %s without showing it', (url, message) => {
    let refusal: unknown
    try {
      postgresStoreFromUrl(url)
    } catch (error) {
      refusal = error
    }
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect((refusal as Error).cause).toBeUndefined()
    expect(String(refusal)).toContain(message)
    expect(String(refusal)).not.toContain('hunter2')
  })

  it('makes the folders above a PGlite database', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'annals-pglite-'))
    try {
      await using store = postgresStoreFromUrl(`pglite:${join(folder, 'not', 'there', 'yet')}`)
      await store.migrate()
      expect(await store.headPosition()).toBeNull()
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
