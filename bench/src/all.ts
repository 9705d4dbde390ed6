// The program behind `pnpm bench`: one backend after the other, each in a process of its own, so that none measures with
// the other's heap.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const programs: Readonly<Record<string, string>> = {
  postgres: 'main.js',
  dynamodb: 'dynamodb.js',
  kurrentdb: 'kurrentdb.js',
}

const [first, ...rest] = process.argv.slice(2)
const named = first !== undefined && Object.hasOwn(programs, first)
if (first !== undefined && !named && first !== '--quick') {
  console.error(
    `pnpm bench [${Object.keys(programs).join(' | ')}] [options]: all of them, or one with its own options`,
  )
  process.exit(2)
}
for (const name of named ? [first] : Object.keys(programs)) {
  const program = fileURLToPath(new URL(programs[name]!, import.meta.url))
  const args = named ? rest : process.argv.slice(2)
  const { status } = spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' })
  if (status !== 0) {
    console.error(`The bench of ${name} failed.`)
    process.exitCode = 1
  }
}
