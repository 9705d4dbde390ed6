import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { allCases, rules, sections } from '../src/index.js'

const contract = readFileSync(new URL('../../docs/contract.md', import.meta.url), 'utf8')

describe('docs/contract.md', () => {
  const written = [...contract.matchAll(/^- \*\*([A-Z]+-\d+)\*\* (.+)$/gm)].map(([, id, text]) => ({
    id,
    text,
  }))

  it('has every rule of the registry, in the same order and words', () => {
    expect(written).toEqual(rules.map(({ id, text }) => ({ id, text })))
  })

  it('has every rule under its section', () => {
    const headings = [...contract.matchAll(/^### (.+)$/gm)].map(([, name]) => name)
    expect(headings.filter((name) => (sections as readonly unknown[]).includes(name))).toEqual(
      sections,
    )
    for (const section of sections) {
      const body = contract.split(`### ${section}\n`)[1]?.split('\n### ')[0] ?? ''
      for (const rule of rules.filter((r) => r.section === section))
        expect(body).toContain(`- **${rule.id}** `)
    }
  })
})

describe('the cases', () => {
  it('examine every rule', () => {
    const examined = new Set(allCases.map((c) => c.rule))
    expect(rules.map((r) => r.id).filter((id) => !examined.has(id))).toEqual([])
  })

  it('have ids of their own, which begin with their rule', () => {
    const ids = allCases.map((c) => c.id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { id, rule } of allCases) expect(id).toMatch(new RegExp(`^${rule}/[a-z0-9-]+$`))
  })

  it('have titles of their own', () => {
    const titles = allCases.map((c) => `${c.rule} ${c.title}`)
    expect(new Set(titles).size).toBe(titles.length)
  })
})
