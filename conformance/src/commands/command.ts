/** The command is wrong: said with the usage, and exit code 2. */
export class UsageError extends Error {}

/** The command is right, and cannot be done: said without the usage, and exit code 2. */
export class RefusedError extends Error {}

/** A command of the command line: takes what stands behind its name, gives the exit code. */
export type Command = (args: readonly string[]) => Promise<number>

export function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) throw new UsageError(`${option} takes a whole number, not ${text}`)
  return Number(text)
}
