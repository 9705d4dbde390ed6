import { checkHistory, formatVerdict } from '../history/index.js'
import { type Command, UsageError } from './command.js'

/** Holds recorded histories against the contract, without any store. */
export const check: Command = async (args) => {
  if (args.length === 0) throw new UsageError('check takes the files of histories')
  let ok = true
  for (const file of args) {
    const verdict = await checkHistory(file)
    console.log(`${file}\n${formatVerdict(verdict)}\n`)
    ok &&= verdict.ok
  }
  return ok ? 0 : 1
}
