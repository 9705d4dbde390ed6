import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { onEachServer } from './support/on-each-server.js'
import { startReal, startStandIn } from './support/servers.js'

onEachServer([await startStandIn(), await startReal()], (bench) => {
  it('a process that has closed its store ends by itself', async () => {
    const script = fileURLToPath(new URL('./fixtures/uses-a-store.ts', import.meta.url))
    const child = spawn(
      process.execPath,
      [
        '--conditions=annals:source',
        '--import',
        'tsx',
        script,
        bench.server.url,
        bench.namespace(),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    bench.atEnd(async () => {
      child.kill('SIGKILL')
    })
    let told = ''
    child.stdout.on('data', (data: Buffer) => {
      told += data.toString('utf8')
    })
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
    expect(told).toContain('closed')
  })
})
