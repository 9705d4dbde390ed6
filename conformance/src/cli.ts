#!/usr/bin/env node
import { check } from './commands/check.js'
import { type Command, RefusedError, UsageError } from './commands/command.js'
import { explain } from './commands/explain.js'
import { init } from './commands/init.js'
import { list } from './commands/list.js'
import { report } from './commands/report.js'
import { run } from './commands/run.js'
import { soak } from './commands/soak.js'
import { HarnessModuleError } from './harness-modules.js'
import { HistoryFormatError } from './history/index.js'

const usage = `Usage:
  annals-conformance init [<folder>] [--js]     writes a harness, a driver to be filled in and a test; overwrites nothing
  annals-conformance list [--json]              each rule, its cases, and the mutants they catch (also: --list)
  annals-conformance explain <rule>...          what a rule promises, why, and how stores get it wrong
  annals-conformance run <module>... [options]  examines the stores of harness modules
  annals-conformance [run] [options]            examines the memory store, and in a workspace the stores of
                                                packages/*/test/harness.ts whose servers are to be had
  annals-conformance soak [<module>...] [options]
                                                loads stores under faults, records histories and checks them
  annals-conformance check <history>...         holds recorded histories against the contract
  annals-conformance report <json>... [options] sets runs that were kept side by side, soaks with the runs of their stores

A harness module's default export is a Harness, a function that returns one or a promise of one, or a list of those.
TypeScript modules are loaded through tsx, where it is installed.

Options of run:
  --level <level>        quick: what takes seconds; full (default): every case; soak: full, and then a soak
  --rule <id>            only the cases of this rule; may be given several times
  --case <id>            only this case; may be given several times
  --repeat <n>           runs the cases whose result may depend on timing n times (ANNALS_REPEAT)
  --model-runs <n>       random sequences against the model; 0: none
  --bail                 stops at the first case that fails
  --known-failures <f>   a JSON file: the ids of cases, and why each is known to fail; one that does not fail any more
                         fails the run
  --watchdog <ms>        when a case is taken to hang; default: 60000
Options of soak, and of run --level soak:
  --minutes <n>          how long each store is loaded; default: 10
  --workers <n>          how many write and read at once; default: 4
Options of both:
  --seed <n>             repeats the random choices: of the sequences (ANNALS_SEED), of workers and faults
  --json                 the records of the runs as JSON instead of text
Options of run, soak and report:
  --report <kinds>       html, json, junit, markdown; several with commas
  --report-dir <folder>  where they are written; default: here

Ends with 0 where nothing failed, 1 where something did, 2 where the command is wrong.`

const commands: Readonly<Record<string, Command>> = {
  init,
  list,
  explain,
  run,
  soak,
  check,
  report,
}

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
        : error instanceof RefusedError ||
            error instanceof HarnessModuleError ||
            error instanceof HistoryFormatError
          ? error.message
          : error,
    )
    process.exitCode = 2
  },
)
