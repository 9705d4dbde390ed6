import { explanations } from '../explanations.js'
import { rules } from '../rules.js'
import { type Command, UsageError } from './command.js'
import { caseLine, listed } from './list.js'

/** What a rule promises, why it matters, how stores get it wrong, and what the suite does about it. */
export const explain: Command = async (args) => {
  if (args.length === 0) throw new UsageError('explain takes the id of a rule')
  for (const id of args) {
    const rule = rules.find((candidate) => candidate.id === id.toUpperCase())
    if (!rule) throw new UsageError(`there is no rule ${id}`)
    const { why, pitfall } = explanations[rule.id]
    const { cases, mutants } = listed(rule)
    console.log(
      [
        `${rule.id} (${rule.section})`,
        '',
        rule.text,
        '',
        `Why it matters: ${why}`,
        `How stores get it wrong: ${pitfall}`,
        '',
        'Cases:',
        ...cases.map((one) => `  ${caseLine(one)}`),
        'Known defects that they catch:',
        ...mutants.map(({ name, defect }) => `  ${name}: ${defect}`),
        '',
      ].join('\n'),
    )
  }
  return 0
}
