const first = 64
const most = 1000
const bytesAtMost = 4 * 1024 * 1024

/**
 * How many rows to ask for next: few at first, so that the first events come soon; more as long as they are small, so that
 * long reads are fast; and never so many that a page of large events takes much memory (READ-3).
 */
export class PageSize {
  #rows = first

  get rows(): number {
    return this.#rows
  }

  /** Learns from a page: how many rows were asked for, came, and how large they were. */
  learn(rows: number, bytes: number): void {
    const fit = rows === 0 ? most : Math.floor(bytesAtMost / Math.max(1, bytes / rows))
    this.#rows = Math.max(1, Math.min(most, fit, this.#rows * 4))
  }
}
