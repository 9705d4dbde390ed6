import { afterEach, expect, test } from 'vitest'
import { sqliteStore } from '../src/index.js'
import { type Acknowledged, violations } from './support/acknowledged.js'
import { startWriter } from './support/child.js'
import { temporaryFolder } from './support/folder.js'

const folder = await temporaryFolder()
afterEach(folder.remove)

test('two processes append to one stream of one file, and nothing is lost or there twice', async () => {
  await using store = sqliteStore({ file: folder.file })
  await store.migrate()
  const appends = 150
  const writers = await Promise.all(
    ['a', 'b'].map((name) => startWriter({ file: folder.file, name, appends })),
  )

  // A third process, this one, follows them: what it is given must be the order that is there in the end.
  const followed: string[] = []
  const end = new AbortController()
  const following = (async () => {
    for await (const message of store.subscribeToAll({ signal: end.signal })) {
      if (message.kind === 'event') followed.push(message.event.id)
      if (followed.length === appends * 4) return
    }
  })()

  for (const writer of writers) writer.go()
  const acknowledged = await Promise.all(
    writers.map(async ({ next }) => {
      const all: Acknowledged[] = []
      while (all.length < appends) all.push((await next()) as Acknowledged)
      return all
    }),
  )
  await following

  const events = await store.readStream('Shared-1').toArray()
  expect(events).toHaveLength(appends * 4)
  expect(violations(events, acknowledged.flat())).toEqual([])
  expect(followed).toEqual(events.map((event) => event.id))
  // The writers met: neither wrote everything before the other.
  const writersInOrder = events.map((event) => (event.data as { by: string }).by).join('')
  expect(writersInOrder).toMatch(/a.*b.*a|b.*a.*b/)
})
