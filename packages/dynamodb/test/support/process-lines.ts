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
