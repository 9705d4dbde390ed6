import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { allCases, hookNames } from '../src/index.js'

const guide = readFileSync(new URL('../../docs/conformance.md', import.meta.url), 'utf8')
const cli = readFileSync(new URL('../src/cli.ts', import.meta.url), 'utf8')

describe('docs/conformance.md', () => {
  it('says of every hook which rules it proves', () => {
    for (const hook of hookNames) {
      const rules = [
        ...new Set(allCases.filter((c) => c.hooks?.includes(hook)).map((c) => c.rule)),
      ].join(', ')
      const row = guide.match(new RegExp(`^\\| \`${hook}\` \\|[^|]*\\| (.*) \\|$`, 'm'))?.[1]
      expect(row, hook).toBeDefined()
      if (rules !== '') expect(row, hook).toBe(rules)
    }
  })

  it('names every command and option of the usage, and no other', () => {
    const of = (text: string) => [...new Set(text.match(/--[a-z][a-z-]+/g))].sort()
    const commands = (text: string) => [
      ...new Set([...text.matchAll(/annals-conformance \[?([a-z]+)/g)].map(([, name]) => name)),
    ]
    const usage = cli.slice(cli.indexOf('const usage'), cli.indexOf('const commands'))
    expect(commands(guide).sort()).toEqual(commands(usage).sort())
    const foreign = ['--save-dev'] // npm's
    expect(of(guide).filter((option) => !foreign.includes(option))).toEqual(
      // An alias, which nobody needs to learn.
      of(usage).filter((option) => option !== '--list'),
    )
  })

  it('lists cases that are there', () => {
    const ids = allCases.map(({ id }) => id)
    for (const [, id] of guide.matchAll(/\b([A-Z]+-\d+\/[a-z-]+)/g)) expect(ids).toContain(id)
  })
})
