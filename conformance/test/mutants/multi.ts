import type { AppendRequest } from '@annals/core'
import { type Defects, driving, turns } from './defect.js'

export const multiDefects: Defects = {
  'one-stream-after-another': driving((inner) => ({
    async appendMany(requests, signal) {
      const results = []
      for (const request of requests) {
        results.push(await inner.append(request, signal))
        await turns(1)
      }
      return results
    },
  })),

  'checks-the-first-stream-only': driving((inner) => ({
    appendMany(requests, signal) {
      const loose = requests.map(
        (request, i): AppendRequest => (i === 0 ? request : { ...request, expected: 'any' }),
      )
      return inner.appendMany?.(loose, signal) ?? Promise.resolve([])
    },
  })),

  'results-in-order-of-names': driving((inner) => ({
    async appendMany(requests, signal) {
      const sorted = [...requests].sort((a, b) => (a.streamId < b.streamId ? -1 : 1))
      return inner.appendMany?.(sorted, signal) ?? []
    },
  })),
}
