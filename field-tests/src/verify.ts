// Runs the scripts of findings/ and held/, each several times, and says how often each showed what it is about:
// `pnpm verify [part of a name…] [--times 3]`. One PostgreSQL and one DynamoDB Local serve them all.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startDynamoDb, startPostgres } from '@annals/test-servers'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { times: { type: 'string', default: '3' } },
})
const times = Number(values.times)
const root = fileURLToPath(new URL('..', import.meta.url))
const scripts = ['findings', 'held']
  .flatMap((folder) => readdirSync(join(root, folder)).map((file) => join(folder, file)))
  .filter((file) => file.endsWith('.ts'))
  .filter((file) => positionals.length === 0 || positionals.some((part) => file.includes(part)))

const postgres = await startPostgres({ announce: false })
const dynamo = await startDynamoDb({ announce: false })
const env = { ...process.env, POSTGRES_URL: postgres.url, DYNAMODB_URL: dynamo.endpoint }

let missed = 0
for (const script of scripts) {
  let shown = 0
  let last = ''
  for (let i = 0; i < times; i++) {
    const { code, output } = await run(script)
    if (code === 0) shown++
    last = output
  }
  if (shown < times) missed++
  const observed = /^observed: .*$/m.exec(last)?.[0] ?? last.trim()
  console.log(
    `${shown === times ? 'shown' : 'NOT SHOWN'} ${shown}/${times} ${script}\n    ${observed}`,
  )
}
await Promise.all([postgres.stop(), dynamo.stop()])
process.exitCode = missed === 0 ? 0 : 1

function run(script: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(
    process.execPath,
    ['--conditions=annals:source', '--import', 'tsx', join(root, script)],
    { env, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}
