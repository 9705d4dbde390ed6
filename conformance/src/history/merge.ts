import { readFile } from 'node:fs/promises'
import type { HistoryHeader, HistoryLine } from './format.js'
import { eachLine } from './lines.js'

/** The lines of the log of one process. A last line that its death has cut off is left out. */
export async function readLog(path: string): Promise<HistoryLine[]> {
  const lines: HistoryLine[] = []
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    // Killed before it wrote anything.
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  eachLine(whole, (line) => lines.push(JSON.parse(line) as HistoryLine))
  return lines
}

/** One history out of the logs of its processes: the lines of all in the order of their time. */
export function mergeHistory(
  header: HistoryHeader,
  logs: readonly (readonly HistoryLine[])[],
): string[] {
  const lines = logs.flat()
  // A stable sort: of one process, what was written first stays first.
  lines.sort((a, b) => a.at - b.at)
  return [JSON.stringify(header), ...lines.map((line) => JSON.stringify(line))]
}
