import type { Invariant } from './invariant.js'

export function versionsHaveNoGaps(): Invariant {
  const versions = new Map<string, number>()
  const violations: string[] = []
  return {
    rule: 'The versions of each stream are 1, 2, 3 … without gaps',
    violations,
    see: ({ streamId, version }) => {
      const before = versions.get(streamId) ?? 0
      if (version !== before + 1) violations.push(`${streamId}: ${version} after ${before}`)
      versions.set(streamId, version)
    },
  }
}

export function positionsAscend(): Invariant {
  let last: string | undefined
  const violations: string[] = []
  return {
    rule: 'The positions of all events ascend',
    violations,
    see: ({ position, id }) => {
      if (last !== undefined && position <= last) {
        violations.push(`event ${id} at ${position} after ${last}`)
      }
      last = position
    },
  }
}
