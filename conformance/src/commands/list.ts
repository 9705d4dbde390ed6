import { parseArgs } from 'node:util'
import { allCases } from '../cases/index.js'
import { mutants } from '../mutants.js'
import { rules } from '../rules.js'
import type { Command } from './command.js'

/** Each rule, its cases, and the mutants that they catch. */
export const list: Command = async (args) => {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' } } })
  console.log(values.json ? JSON.stringify(rules.map(listed), null, 2) : asText())
  return 0
}

export function listed({ id, section, text }: (typeof rules)[number]) {
  return {
    id,
    section,
    text,
    cases: allCases
      .filter((c) => c.rule === id)
      .map(({ id, title, hooks = [], needs, level = 'quick' }) => ({
        id,
        title,
        hooks,
        needs: needs?.capability ?? null,
        level,
      })),
    mutants: mutants.filter((m) => m.rule === id).map(({ name, defect }) => ({ name, defect })),
  }
}

/** A case as a line: its title, and what it depends on. */
export function caseLine({
  id,
  title,
  hooks,
  needs,
  level,
}: ReturnType<typeof listed>['cases'][number]): string {
  const conditions = [
    ...(needs ? [`needs ${needs}`] : []),
    ...(hooks.length > 0 ? [`hook ${hooks.join(', ')}`] : []),
    ...(level === 'full' ? ['full'] : []),
  ]
  return `${id}: ${title}${conditions.length > 0 ? ` [${conditions.join('; ')}]` : ''}`
}

function asText(): string {
  const lines: string[] = []
  for (const rule of rules.map(listed)) {
    lines.push(`${rule.id}  ${rule.text}`)
    for (const one of rule.cases) lines.push(`    ${caseLine(one)}`)
    for (const { name, defect } of rule.mutants) lines.push(`    catches ${name}: ${defect}`)
    lines.push('')
  }
  lines.push(
    `${rules.length} rules, ${allCases.length} cases, ${mutants.length} mutants; ` +
      'each mutant is a store with one defect that at least one case of its rule finds.',
  )
  return lines.join('\n')
}
