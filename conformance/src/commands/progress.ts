import type { SoakProgress } from '../history/index.js'
import { formatProgress } from '../history/index.js'
import type { ConformanceOptions } from '../run.js'

/** What of `process.stderr` progress needs. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

/** Whether a line may be written over: on a terminal that can, and not where CI keeps what is printed. */
export function isLive(
  stream: ProgressStream,
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  const ci = env.CI !== undefined && !['', '0', 'false'].includes(env.CI)
  return stream.isTTY === true && !ci && env.TERM !== 'dumb'
}

/** A text as one line of a terminal: it must not wrap, because only one line can be written over. */
export function fitted(text: string, columns: number): string {
  const characters = [...text.replace(/\p{Cc}/gu, ' ')]
  const room = Math.max(1, columns - 1)
  return characters.length <= room
    ? characters.join('')
    : `${characters.slice(0, room - 1).join('')}…`
}

const clear = '\r\u001b[2K'

/** Lines about what goes on: one that is written over on a terminal, and those that stay. */
export class ProgressLines {
  readonly live: boolean
  readonly #stream: ProgressStream
  #shown = ''

  constructor(stream: ProgressStream = process.stderr, live = isLive(stream)) {
    this.#stream = stream
    this.live = live
  }

  /** Writes over what was shown before. Nothing where lines cannot be written over. */
  show(text: string): void {
    if (!this.live) return
    this.#shown = fitted(text, this.#stream.columns || 80)
    this.#stream.write(`${clear}${this.#shown}`)
  }

  /** Writes a line that stays. */
  print(text: string): void {
    this.#stream.write(this.#shown === '' ? `${text}\n` : `${clear}${text}\n${this.#shown}`)
  }

  /** Takes what is shown away, before others write. */
  end(): void {
    if (this.#shown !== '') this.#stream.write(clear)
    this.#shown = ''
  }
}

/** Lines that stay are that many cases apart. */
const casesApart = 25

/** Tells of a run: the case under way on a terminal, else every 25 cases; a failure at once. */
export function runProgress(
  lines: ProgressLines,
  store: string,
): { [K in 'onStart' | 'onResult']: NonNullable<ConformanceOptions[K]> } {
  let failed = 0
  let done = 0
  let of = 0
  const sum = () => `${store}: ${done} of ${of} cases, ${failed} failed`
  return {
    onStart: (id, _, all) => {
      of = all
      if (done === 0 && !lines.live) lines.print(`${store}: ${all} cases`)
      lines.show(`${sum()}; ${id}`)
    },
    onResult: ({ id, outcome, error }) => {
      done++
      if (outcome === 'failed') {
        failed++
        lines.print(`${store}: FAILED ${id}: ${brief(error)}`)
      }
      lines.show(sum())
      if (!lines.live && (done % casesApart === 0 || done === of)) lines.print(sum())
    },
  }
}

/** What went wrong, in a line: the whole of it stands in the report. The first line names the case once more. */
function brief(error: Error | undefined): string {
  const [first = '', second] = (error?.message ?? '').split('\n')
  return (second ?? first).trim()
}

/** Lines that stay are that many seconds apart. */
const secondsApart = 60

/** Tells of a soak: each second on a terminal, else each minute; a new anomaly at once. */
export function soakProgress(
  lines: ProgressLines,
  store: string,
): (progress: SoakProgress) => void {
  let anomalies = 0
  let printed = Number.NEGATIVE_INFINITY
  return (progress) => {
    const text = `${store}: ${formatProgress(progress)}`
    const found = progress.anomalies > anomalies
    anomalies = progress.anomalies
    lines.show(text)
    if (found || (!lines.live && progress.seconds - printed >= secondsApart)) {
      lines.print(found ? `${text} ANOMALY` : text)
      printed = progress.seconds
    }
  }
}
