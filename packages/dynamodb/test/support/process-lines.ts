import { writeSync } from 'node:fs'

/** What the processes of the kill test say to their parent, a line each. */

export interface Job {
  readonly streamId: string
  readonly ids: readonly string[]
  readonly expected: number | 'any' | 'exists'
  readonly bytes: number
}

export type WriterLine =
  | { readonly t: 'call'; readonly job: Job; readonly at: string }
  | {
      readonly t: 'done'
      readonly first: string
      readonly version: number
      readonly position: string
      readonly at: string
    }
  | { readonly t: 'refused'; readonly first: string }

/** Position and id of each event, in the order in which the reader was given them. */
export type ReaderLine = readonly (readonly [position: string, id: string])[]

/** Shows that a line is whole. */
export const endOfLine = ' .'

/** Says a line before it goes on, also where the parent is slow and the pipe is full. */
export function say(line: WriterLine | ReaderLine): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}${endOfLine}\n`)
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(1, bytes, written)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
