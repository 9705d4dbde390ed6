import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { onEachServer } from './support/on-each-server.js'
import { startReal, startStandIn } from './support/servers.js'

/** The example application, as a user starts it: a day of trade with its service killed in the middle. */
onEachServer([await startStandIn(), await startReal(true)], (bench) => {
  it('a day of trade holds its invariants', { timeout: 240_000 }, async () => {
    const main = fileURLToPath(new URL('../../../examples/orders/src/main.ts', import.meta.url))
    const store = `${bench.server.url}&namespace=${bench.namespace()}`
    const args = ['--conditions=annals:source', '--import', 'tsx', main]
    const child = spawn(process.execPath, [...args, '--store', store, '--orders', '60'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let told = ''
    child.stdout.on('data', (data: Buffer) => {
      told += data.toString('utf8')
    })
    child.stderr.on('data', (data: Buffer) => {
      told += data.toString('utf8')
    })
    bench.atEnd(async () => {
      child.kill('SIGKILL')
    })
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect(code, told).toBe(0)
    expect(told).toContain('All is well.')
  })
})
