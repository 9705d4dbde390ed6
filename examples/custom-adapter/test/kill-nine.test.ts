import Database from 'libsql'
import { afterEach, expect, test } from 'vitest'
import { sqliteStore } from '../src/index.js'
import { type Acknowledged, violations } from './support/acknowledged.js'
import { startWriter } from './support/child.js'
import { temporaryFolder } from './support/folder.js'

const folder = await temporaryFolder()
afterEach(folder.remove)

test('a file whose writer was killed opens again, with all that was acknowledged and no half append', async () => {
  await using before = sqliteStore({ file: folder.file })
  await before.migrate()
  const acknowledged: Acknowledged[] = []
  for (let round = 1; round <= 3; round++) {
    const writer = await startWriter({ file: folder.file, name: `${round}`, appends: 100_000 })
    writer.go()
    while (acknowledged.length < round * 20)
      acknowledged.push((await writer.next()) as Acknowledged)
    await writer.kill()

    await using store = sqliteStore({ file: folder.file })
    const events = await store.readStream('Shared-1').toArray()
    expect(violations(events, acknowledged)).toEqual([])
    // And a repeat of the last one that was acknowledged is recognised.
    const last = acknowledged.at(-1)!
    const repeated = events.filter((event) => last.ids.includes(event.id))
    const result = await store.append(
      'Shared-1',
      repeated.map(({ id, type, data }) => ({ id, type, data })),
      {
        expectedVersion: last.version - 2,
      },
    )
    expect(result).toEqual({ version: last.version, position: last.position })
  }
  const database = new Database(folder.file)
  expect(database.prepare('PRAGMA integrity_check').raw().get()).toEqual(['ok'])
  database.close()
})
