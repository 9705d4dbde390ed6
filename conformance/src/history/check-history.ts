import { HistoryChecker } from './history-checker.js'
import { eachLine, fileLines } from './lines.js'
import type { HistoryVerdict } from './verdict.js'
import type { Violation } from './violations.js'

/**
 * Holds a history against the contract, from the log alone. Time and memory grow with the log's length: a million
 * operations take well under a minute.
 *
 * @param source The path of a log, or its lines (each item one line or several).
 * @throws HistoryFormatError where it is not a history; a verdict is only about the store.
 */
export async function checkHistory(
  source: string | AsyncIterable<string> | Iterable<string>,
  options: { readonly onViolation?: (violation: Violation) => void } = {},
): Promise<HistoryVerdict> {
  const checker = new HistoryChecker(options)
  for await (const text of typeof source === 'string' ? fileLines(source) : source) {
    eachLine(text, (line) => checker.line(line))
  }
  return checker.verdict()
}
