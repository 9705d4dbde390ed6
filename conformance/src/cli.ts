#!/usr/bin/env node
import { check } from './commands/check.js'
import { type Command, UsageError } from './commands/command.js'
import { explain } from './commands/explain.js'
import { list } from './commands/list.js'
import { report } from './commands/report.js'
import { run } from './commands/run.js'
import { soak } from './commands/soak.js'
import { HarnessModuleError } from './harness-modules.js'
import { HistoryFormatError } from './history/index.js'

const usage = `Usage:
  annals-conformance list [--json]              each rule, its cases, and the mutants they catch (also: --list)
  annals-conformance explain <rule>...          what a rule promises, why, and how stores get it wrong
  annals-conformance run <module>... [options]  examines the stores of harness modules
  annals-conformance [run] [options]            examines the memory store, and in a workspace the stores of
                                                packages/*/test/harness.ts whose servers are to be had
  annals-conformance report <json>...           sets runs that were kept side by side
  annals-conformance check <history>...         holds recorded histories against the contract
  annals-conformance soak [<module>] [--minutes <n>] [--seed <n>] [--workers <n>]
                                                loads a store under faults, records and checks

A harness module's default export is a Harness, a function that returns one or a promise of one, or a list of those
(soak takes the first).
TypeScript modules are loaded through tsx, where it is installed.

Options of run:
  --rule <id>            only the cases of this rule; may be given several times
  --case <id>            only this case; may be given several times
  --level quick|full     default: full
  --repeat <n>           runs the cases whose result may depend on timing n times (ANNALS_REPEAT)
  --model-runs <n>       random sequences against the model; 0: none
  --seed <n>             the seed of those sequences (ANNALS_SEED)
  --known-failures <f>   a JSON file of case ids, and why each is known to fail
  --watchdog <ms>        when a case is taken to hang; default: 60000
  --json                 the records of the runs as JSON instead of tables
Options of run and report:
  --report <kinds>       html, json, junit, markdown; several with commas
  --report-dir <folder>  where they are written; default: here

Ends with 0 where nothing failed, 1 where something did, 2 where the command is wrong.`

const commands: Readonly<Record<string, Command>> = { list, explain, run, report, check, soak }

async function main(args: readonly string[]): Promise<number> {
  const [first = 'run', ...rest] = args
  if (args.includes('--help')) {
    console.log(usage)
    return 0
  }
  if (first === '--list') return list(rest)
  const command = Object.hasOwn(commands, first) ? commands[first] : undefined
  return command ? command(rest) : run(args)
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    const wrongCommand =
      error instanceof UsageError ||
      String((error as { code?: unknown } | null)?.code).startsWith('ERR_PARSE_ARGS')
    console.error(
      wrongCommand
        ? `${(error as Error).message}\n\n${usage}`
        : error instanceof HarnessModuleError || error instanceof HistoryFormatError
          ? error.message
          : error,
    )
    process.exitCode = 2
  },
)
