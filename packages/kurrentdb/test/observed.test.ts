import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { type Row, replay } from './support/replay.js'
import { type ServerUnderTest, startReal, startStandIn } from './support/servers.js'

/**
 * The answers of real servers, recorded in test/observed, asked again: of the stand-in, so that it is what it stands
 * for, and of a real server where there is one, so that the records still hold.
 */
const sections = ['table', 'reads', 'nothrow', 'idem', 'parallel', 'pos', 'sub']

function recorded(version: string): Row[] {
  const file = /^2[0-4]\./.test(version) ? 'eventstoredb-23.10.7' : 'kurrentdb-26.1.0'
  const path = new URL(`./observed/${file}.json`, import.meta.url)
  return JSON.parse(readFileSync(path, 'utf8')) as Row[]
}

/** What is the same in each run: versions, classes and equalities, but not the numbers of one run. */
function comparable(rows: readonly Row[]): Map<string, string> {
  const names = new Map<string, string>()
  const label = (section: string, position: string) => {
    const key = `${section} ${position}`
    const known =
      names.get(key) ?? `P${[...names.keys()].filter((k) => k.startsWith(`${section} `)).length}`
    names.set(key, known)
    return known
  }
  return new Map(
    rows.map(({ section, what, result }) => {
      let text = result
      if (section.startsWith('idem'))
        text = text.replace(/pos=(\d+)/g, (_, p) => `pos=${label(section, p)}`)
      else text = text.replace(/\bpos[= ]\d+/g, 'pos #')
      // Which of twenty equal requests the server drops is chance; that one is stored is not.
      if (what.includes('SAME event id')) text = /count=\d+/.exec(text)![0]
      if (what === 'append result position vs last event position') {
        const [, answer, last] = /result (\d+) event\[4\] (\d+)/.exec(text) ?? []
        if (answer) text = `result is event[4]: ${answer === last}`
      }
      if (section === 'sub') text = text.replace(/@\d+/g, '')
      return [`${section} | ${what}`, text]
    }),
  )
}

const servers = [
  ['stand-in (NOT KurrentDB) for EventStoreDB 23.10.7', () => startStandIn('23.10.7')],
  ['stand-in (NOT KurrentDB) for KurrentDB 26.1.0', () => startStandIn('26.1.0')],
  ['real server, in memory', () => startReal()],
] as const

/** All servers are asked at once: the asking is mostly waiting. */
const asked = servers.map(async ([, start]) => {
  const server: ServerUnderTest | null = await start()
  return server && { server, rows: await replay(server.url, sections) }
})
for (const each of asked) each.catch(() => {})

afterAll(async () => {
  for (const each of asked) await (await each)?.server.stop()
})

describe.each(servers.map(([name], i) => [name, i] as const))('recorded answers: %s', (_, i) => {
  it.each(sections)('section %s', { timeout: 120_000 }, async (section) => {
    const told = await asked[i]
    // Without a real server there is nothing to compare; `startReal` has said so in the report.
    if (!told) return expect(told).toBeNull()
    const { server, rows } = told
    const mine = (all: readonly Row[]) =>
      comparable(all.filter((r) => r.section.split('/')[0] === section))
    const truth = mine(recorded(server.version))
    const now = mine(rows)
    expect(now.size).toBeGreaterThan(4)
    for (const [what, answer] of now) {
      const before = truth.get(what)
      expect(before, `${what} was not recorded`).toBeDefined()
      if (section !== 'sub') {
        expect(`${what} => ${answer}`).toBe(`${what} => ${before}`)
        continue
      }
      // The number of checkpoints varies by one or two from run to run.
      expect(answer.replace(/\d+/g, '#')).toBe(before!.replace(/\d+/g, '#'))
      const numbers = (text: string) => (text.match(/\d+/g) ?? []).map(Number)
      numbers(answer).forEach((n, i) => {
        expect(
          Math.abs(n - numbers(before!)[i]!),
          `${what}: ${answer}, recorded ${before}`,
        ).toBeLessThanOrEqual(2)
      })
    }
  })
})
