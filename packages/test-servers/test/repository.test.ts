import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { compose } from '../src/compose.js'

interface ComposeFile {
  services: Record<string, { image: string; ports: string[]; healthcheck: { test: string[] } }>
}

interface Workflow {
  jobs: { test: { strategy: { matrix: { node: number[] } }; steps: { run?: string }[] } }
}

test('the compose file has each server where we look for it, on the loopback interface, with a health check', () => {
  const { services } = read<ComposeFile>('docker-compose.yml')
  expect(Object.keys(services).sort()).toEqual(Object.keys(compose).sort())
  for (const [name, address] of Object.entries(compose)) {
    const service = services[name]
    expect(service?.ports).toHaveLength(1)
    const [host, port] = service?.ports[0]?.split(':') ?? []
    expect(new URL(address.replace(/^\w+:/, 'http:')).host).toBe(`${host}:${port}`)
    expect(service?.healthcheck.test.length).toBeGreaterThan(1)
  }
  expect(services.postgres?.image).toBe('postgres:18')
})

test('the workflow runs every supported Node against the servers of the compose file', () => {
  const { jobs } = read<Workflow>('.github/workflows/ci.yml')
  expect(jobs.test.strategy.matrix.node).toEqual([20, 22, 24])
  const commands = jobs.test.steps.map((step) => step.run)
  expect(commands).toContain('docker compose up --detach --wait')
  expect(commands).toContain('.ci/run')
})

function read<T>(path: string): T {
  const file = fileURLToPath(new URL(`../../../${path}`, import.meta.url))
  return parse(readFileSync(file, 'utf8')) as T
}
