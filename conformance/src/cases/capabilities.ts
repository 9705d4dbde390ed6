import type { Capabilities } from '@annals/core'
import type { ConformanceCase } from '../case.js'
import { equal, fails, ok, said, Violation } from '../check.js'
import { drafts, writeOthers } from '../fixtures.js'

const allowed: { readonly [K in keyof Capabilities]-?: readonly Capabilities[K][] } = {
  multiStreamAppend: [true, false],
  idempotentAny: ['always', 'bestEffort'],
  uniqueEventIds: ['stream', 'none'],
  persistence: ['durable', 'process'],
}

export const capabilityCases: readonly ConformanceCase[] = [
  {
    id: 'CAP-1/every-key-answered',
    rule: 'CAP-1',
    title: 'each capability has one of its values, the same for every handle, and nothing beside',
    async run(t) {
      await writeOthers(t.store)
      const other = await t.another()
      await other.headPosition()
      const { capabilities } = t.store
      for (const [key, values] of Object.entries(allowed)) {
        const value = capabilities[key as keyof Capabilities]
        if (!(values as readonly unknown[]).includes(value))
          throw new Violation(
            `capabilities.${key}`,
            said(`one of ${values.map((v) => JSON.stringify(v)).join(', ')}`),
            value,
          )
      }
      equal(
        Object.keys(capabilities).sort(),
        Object.keys(allowed).sort(),
        'the keys of capabilities',
      )
      equal({ ...other.capabilities }, { ...capabilities }, 'capabilities of another handle')
    },
  },
  {
    id: 'CAP-1/off-is-refused',
    rule: 'CAP-1',
    title: 'a call whose capability is off is refused with UNSUPPORTED; one that is on is not',
    async run(t) {
      const before = await writeOthers(t.store)
      const call = () =>
        t.store.appendToStreams([
          { streamId: 'Order-1', events: drafts(1), expectedVersion: 0 },
          { streamId: 'Order-2', events: drafts(2), expectedVersion: 0 },
        ])
      if (t.store.capabilities.multiStreamAppend) {
        equal(
          (await call()).map((r) => r.version),
          [1, 2],
          'the versions of a multi-stream append',
        )
        return
      }
      const error = await fails(call, 'UNSUPPORTED', 'appendToStreams where the capability is off')
      equal(error.capability, 'multiStreamAppend', 'the capability that the refusal names')
      ok(
        typeof error.alternative === 'string' && error.alternative.trim().length > 0,
        'the alternative that the refusal names',
        'some words',
        error.alternative,
      )
      equal((await t.store.readAll().toArray()).length, before.length, 'events after the refusal')
    },
  },
]
