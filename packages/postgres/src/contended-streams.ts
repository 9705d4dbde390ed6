/** How long a stream counts as contended after the last sign of it. */
const contendedMs = 60_000

const atMost = 1000

/**
 * The streams on which this process's appends came behind those of a transaction that began later, so that they had to be
 * done again: other processes write to them too. Appends to them stand in line before they begin.
 */
export class ContendedStreams {
  /** When it was last seen, the oldest first. */
  readonly #seen = new Map<string, number>()

  add(streamId: string): void {
    this.#seen.delete(streamId)
    this.#seen.set(streamId, performance.now())
    if (this.#seen.size > atMost) this.#seen.delete(this.#seen.keys().next().value!)
  }

  /** Those of the streams that are contended. */
  among(streamIds: Iterable<string>): string[] {
    if (this.#seen.size === 0) return []
    const since = performance.now() - contendedMs
    return [...new Set(streamIds)].filter(
      (streamId) => (this.#seen.get(streamId) ?? Number.NEGATIVE_INFINITY) > since,
    )
  }
}
