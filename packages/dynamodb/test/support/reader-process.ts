import { writeSync } from 'node:fs'
import { dynamoDbStoreFromUrl } from '@annals/dynamodb'
import type { ReaderLine } from './process-lines.js'

// A subscription that may be killed at any moment, and says what it was given.
const { url, after } = JSON.parse(process.argv[2]!) as { url: string; after?: string }
const store = dynamoDbStoreFromUrl(url)
const stop = new AbortController()
process.stdin.on('data', () => stop.abort())

let given: [string, string][] = []
const say = () => {
  if (given.length === 0) return
  writeSync(1, `${JSON.stringify(given satisfies ReaderLine)}\n`)
  given = []
}
try {
  for await (const message of store.subscribeToAll({ after, signal: stop.signal })) {
    if (message.kind === 'event') given.push([message.event.position, message.event.id])
    if (message.kind !== 'event' || given.length === 100) say()
  }
} catch (error) {
  if (!stop.signal.aborted) throw error
}
say()
await store.close()
process.stdin.destroy()
