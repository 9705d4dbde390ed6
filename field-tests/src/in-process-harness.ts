import type { Harness } from '@annals/conformance'
import { createEventStore } from '@annals/core'
import { unused } from './postgres-harness.js'
import { type Manner, type Published, publishedDriver } from './published.js'

/** A store without transactions to hold: each case has data of its own, and all its handles share one instance. */
export function plainHarness(
  name: string,
  manner: Manner,
  open: () => Promise<{ handle(): Published; close?(): Promise<void> }>,
): Harness {
  return {
    name,
    missing: {
      ...unused,
      heldWriter: 'its appends have no commit apart from the write',
      foreignTransaction: 'there are no transactions of others',
    },
    async open(options) {
      const data = await open()
      const first = createEventStore(publishedDriver(data.handle(), manner), options)
      const opened = [first]
      return {
        store: first,
        async openAnother(of) {
          const another = createEventStore(publishedDriver(data.handle(), manner), of)
          opened.push(another)
          return another
        },
        async cleanup() {
          await Promise.all(opened.map((store) => store.close()))
          await data.close?.()
        },
      }
    },
  }
}
