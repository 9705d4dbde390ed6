/**
 * How long the checker takes for a long history: `node --conditions=annals:source --import tsx test/history/scale.ts
 * [operations]`, by default a million. Prints one line of JSON. Ends with 1 where it takes more than a minute.
 */
import { checkHistory } from '../../src/history/check-history.js'
import { longHistory } from './long-history.js'

const operations = Number(process.argv[2] ?? 1_000_000)
// Processor time, so that what else the machine does is left out of account. The collector's threads count too.
const now = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const started = now()
let generating = 0
async function* timed() {
  const lines = longHistory(operations)
  for (let done = false; !done; ) {
    const before = now()
    const batch: string[] = []
    while (batch.length < 2000 && !done) {
      const next = lines.next()
      if (next.done) done = true
      else batch.push(next.value)
    }
    generating += now() - before
    yield batch.join('\n')
  }
}
const verdict = await checkHistory(timed())
const total = now() - started
console.log(
  JSON.stringify({
    ok: verdict.ok,
    operations: verdict.counts.operations,
    events: verdict.counts.events,
    read: verdict.counts.read,
    delivered: verdict.counts.delivered,
    checkSeconds: Math.round((total - generating) / 100) / 10,
    generateSeconds: Math.round(generating / 100) / 10,
    rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
    node: process.version,
    violations: verdict.violations.slice(0, 3),
  }),
)
process.exitCode = verdict.ok && total - generating < 60_000 ? 0 : 1
