import type { ErrorCode } from '@annals/core'
import type { Micros, Request } from './format.js'
import type { AppendPartState } from './tables.js'

/** What the checker keeps of an operation: what it needs to judge it, and to print it. */
export class Operation {
  end: Micros = Number.POSITIVE_INFINITY
  endLine = 0
  outcome: 'ok' | 'fail' | 'unknown' = 'unknown'
  code: ErrorCode | 'OTHER' | undefined
  /** Of appends. */
  parts: readonly AppendPartState[] = []
  /** Of a refused append: the stream and version that the error names. */
  refusedStream: string | undefined
  actual: number | string | null | undefined
  /** How many events it gave. */
  given: number | undefined
  /** What else it answered, for people. */
  answer: string | number | null | undefined

  constructor(
    readonly id: string,
    readonly process: string,
    readonly call: Micros,
    readonly callLine: number,
    /** What was asked. Of appends, `parts` says it. */
    readonly request: (Request & { readonly t?: unknown }) | undefined,
  ) {}

  get failed(): boolean {
    return this.outcome === 'fail'
  }

  /** One line that a person can read. */
  toString(): string {
    const lines =
      this.endLine > 0 ? `lines ${this.callLine}, ${this.endLine}` : `line ${this.callLine}`
    const end = this.end === Number.POSITIVE_INFINITY ? '…' : String(this.end)
    return `${this.id} by ${this.process} at ${this.call}–${end} (${lines}): ${this.#asked()} → ${this.#answered()}`
  }

  #asked(): string {
    if (this.parts.length > 0) {
      const parts = this.parts.map(
        ({ group, expected }) =>
          `${JSON.stringify(group.stream.name)} expecting ${expected}, ${some(group.ids)}`,
      )
      return `append to ${parts.join(' and ')}`
    }
    const hidden = ['t', 'op', 'process', 'at', 'do']
    const asked = Object.entries(this.request ?? {}).filter(([key]) => !hidden.includes(key))
    return `${this.request?.do} ${asked.map(([k, v]) => `${k} ${JSON.stringify(v)}`).join(', ')}`
  }

  #answered(): string {
    const given = this.given === undefined ? '' : `${this.given} events`
    if (this.outcome === 'unknown') {
      return given || `unknown${this.code ? ` (${this.code})` : ''}`
    }
    if (this.outcome === 'fail') {
      return `${this.code ?? 'failed'}${this.actual === undefined ? '' : `, actual ${this.actual}`}`
    }
    if (this.parts.length === 0) {
      return given || (this.answer === undefined ? 'ok' : String(this.answer))
    }
    return this.parts.map((part) => `version ${part.version} at ${part.position}`).join(' and ')
  }
}

export function some(items: readonly string[], most = 3): string {
  const shown = items.slice(0, most).join(', ')
  return items.length > most ? `[${shown}, … ${items.length} in all]` : `[${shown}]`
}
