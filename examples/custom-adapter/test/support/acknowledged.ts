import type { AppendResult, RecordedEvent } from '@annals/core'

/** An append that a writing process was told of. */
export interface Acknowledged extends AppendResult {
  readonly ids: readonly string[]
}

/** What is wrong with a stream, given the appends of two events each that were acknowledged. */
export function violations(
  events: readonly RecordedEvent[],
  acknowledged: readonly Acknowledged[],
): string[] {
  const found: string[] = []
  for (const [index, event] of events.entries()) {
    if (event.version !== index + 1) found.push(`version ${event.version} stands at ${index + 1}`)
    const before = events[index - 1]
    if (before && before.position >= event.position) found.push(`${event.position} is out of order`)
  }
  const ids = events.map((event) => event.id)
  if (new Set(ids).size !== ids.length) found.push('an id is there twice')
  if (ids.length % 2 !== 0) found.push('half an append is there')
  for (const { ids: pair, version, position } of acknowledged) {
    const [first, last] = events.slice(version - 2, version)
    if (first?.id !== pair[0] || last?.id !== pair[1] || last?.position !== position) {
      found.push(`the append acknowledged at version ${version} is not there`)
    }
  }
  return found
}
