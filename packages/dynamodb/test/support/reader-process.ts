import { dynamoDbStoreFromUrl } from '@annals/dynamodb'
import { say } from './process-lines.js'

// A subscription that may be killed at any moment, and says what it was given.
const { url, after } = JSON.parse(process.argv[2]!) as { url: string; after?: string }
const store = dynamoDbStoreFromUrl(url)
const stop = new AbortController()
process.stdin.on('data', () => stop.abort())

let given: [string, string][] = []
const tell = () => {
  if (given.length > 0) say(given)
  given = []
}
try {
  for await (const message of store.subscribeToAll({ after, signal: stop.signal })) {
    if (message.kind === 'event') given.push([message.event.position, message.event.id])
    if (message.kind !== 'event' || given.length === 100) tell()
  }
} catch (error) {
  if (!stop.signal.aborted) throw error
}
tell()
await store.close()
process.stdin.destroy()
