import { randomUUID } from 'node:crypto'
import { isEventStoreError } from '@annals/core'
import { dynamoDbStoreFromUrl } from '@annals/dynamodb'
import { type Job, say } from './process-lines.js'

// A writer that may be killed at any moment. What it says, it says before it goes on, in one write.
const { url, streams, orphan } = JSON.parse(process.argv[2]!) as {
  url: string
  streams: readonly string[]
  orphan?: Job
}
const store = dynamoDbStoreFromUrl(url)
const versions = new Map<string, number>()
let stopping = false
process.stdin.on('data', () => {
  stopping = true
})

const now = () => process.hrtime.bigint().toString()
const below = (n: number) => Math.floor(Math.random() * n)

// What its predecessor had under way when it died: repeated, it takes effect once.
if (orphan) await perform(orphan)
while (!stopping) {
  const streamId = streams[below(streams.length)]!
  const choice = below(4)
  const known = versions.get(streamId) ?? (await store.streamVersion(streamId))
  const expected = choice < 2 ? known : choice === 2 || known === 0 ? 'any' : 'exists'
  const ids = Array.from({ length: 1 + below(40) }, () => randomUUID())
  await perform({ streamId, ids, expected, bytes: below(10) === 0 ? 1200 : 100 })
}
await store.close()
process.stdin.destroy()

async function perform(job: Job): Promise<void> {
  const { streamId, ids, expected, bytes } = job
  const data = 'x'.repeat(bytes)
  const events = ids.map((id) => ({ type: 'Happened', id, data }))
  say({ t: 'call', job, at: now() })
  for (;;) {
    try {
      const { version, position } = await store.append(streamId, events, {
        expectedVersion: expected,
      })
      versions.set(streamId, version)
      say({ t: 'done', first: ids[0]!, version, position, at: now() })
      return
    } catch (error) {
      versions.delete(streamId)
      if (isEventStoreError(error, 'WRONG_EXPECTED_VERSION')) {
        say({ t: 'refused', first: ids[0]! })
        return
      }
      // Nothing is left open: what is unknown is repeated until it is known.
      if (
        !isEventStoreError(error, 'UNKNOWN_OUTCOME') &&
        !isEventStoreError(error, 'UNAVAILABLE')
      ) {
        throw error
      }
    }
  }
}
