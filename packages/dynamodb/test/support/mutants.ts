import type { Mutant } from './mutate.js'

/** What must not go unnoticed: each takes one stone out of the protocol. */
export const mutants: readonly Mutant[] = [
  {
    name: 'no condition that the stream ends where the writer believes',
    scenario: 'a conflict and a repeat race',
    edits: [
      {
        file: 'append.ts',
        find: 'guarded.map((item) => put(table, item, true))',
        replace: 'guarded.map((item) => put(table, item, false))',
      },
    ],
  },
  {
    name: "a ticket below the last append's is used",
    scenario: "a late writer's ticket is below the head's",
    edits: [
      {
        file: 'append.ts',
        find: 'const last = Math.max(...heads.map((head) => head.ticket))',
        replace: 'const last = heads.length - heads.length',
      },
    ],
  },
  {
    name: "no condition on the writer's slot",
    scenario: 'a writer is fenced while it writes',
    edits: [
      {
        file: 'append.ts',
        find: 'put(table, slot, true)',
        replace: 'put(table, slot, false)',
      },
    ],
  },
  {
    name: 'an append without an answer is given up without a fence',
    scenario: 'a request arrives after its caller was told that nothing was written',
    edits: [
      {
        file: 'append.ts',
        find: 'filled = await log.fill(plan.ticket, this.signal)',
        replace: "filled = 'filled'",
      },
      {
        file: 'append.ts',
        find: 'if (this.#ticket !== undefined) this.writer.log.release(this.#ticket)',
        replace: '',
      },
    ],
  },
  {
    name: 'a fence without its condition',
    scenario: 'two readers fill the same hole',
    edits: [
      {
        file: 'log.ts',
        find: "{ Item: junkItem(ticket), ConditionExpression: 'attribute_not_exists(PK)' }",
        replace: '{ Item: junkItem(ticket) }',
      },
    ],
  },
  {
    name: 'the end of a stream is read without strong consistency',
    scenario: 'a process appends behind what another appended',
    edits: [
      {
        file: 'heads.ts',
        find: 'ConsistentRead: true',
        replace: 'ConsistentRead: false',
      },
    ],
  },
  {
    name: 'the counter is read without strong consistency',
    scenario: 'a writer is fenced while it writes',
    edits: [
      {
        file: 'counter.ts',
        find: '{ Key: tailKey, ConsistentRead: true }',
        replace: '{ Key: tailKey }',
      },
    ],
  },
  {
    name: 'a reader passes a hole',
    scenario: 'a reader pages while tickets resolve out of order',
    edits: [
      {
        file: 'read-all.ts',
        find: 'slots = (hole === -1 ? window : window.slice(0, hole)) as Slot[]',
        replace: 'slots = window.filter((slot) => slot !== undefined || hole < -1) as Slot[]',
      },
    ],
  },
  {
    name: 'a reader that begins at a position does not look below it',
    scenario: 'a reader begins where an append ended',
    edits: [
      {
        file: 'read-all.ts',
        find: 'if ((await log.settleUpTo(below, tail, signal)) < below) return ended',
        replace: 'if (below < 0) return ended',
      },
    ],
  },
  {
    name: 'the head does not wait for what is below it',
    scenario: 'readers begin at the head, and backwards',
    edits: [
      {
        file: 'read-all.ts',
        find: 'let next = await log.settleUpTo(tail, tail, signal)',
        replace: 'let next = tail',
      },
    ],
  },
  {
    name: 'reading backwards does not wait for what is below',
    scenario: 'readers begin at the head, and backwards',
    edits: [
      {
        file: 'read-all.ts',
        find: 'const next = Math.min(top, await log.settleUpTo(top, tail, signal))',
        replace: 'const next = top',
      },
      {
        file: 'read-all.ts',
        find: 'const hole = window.lastIndexOf(undefined)',
        replace: 'const hole = -1',
      },
      {
        file: 'read-all.ts',
        find: '(window.slice(hole + 1) as Slot[]).reverse()',
        replace: '(window.filter((slot) => slot !== undefined) as Slot[]).reverse()',
      },
    ],
  },
  {
    name: 'an item of events that is not there yet is taken for empty',
    scenario: 'a reader pages while tickets resolve out of order',
    edits: [
      {
        file: 'items.ts',
        find: 'if (look === looks) throw lost(missing)',
        replace: 'if (look === 1) break',
      },
      {
        file: 'items.ts',
        find: 'return keys.map((key) => found.get(nameOf(key))!)',
        replace: 'return keys.map((key) => found.get(nameOf(key)) ?? {})',
      },
      {
        file: 'entries.ts',
        find: 'if (events.length !== count) {',
        replace: 'if (events.length > count) {',
      },
    ],
  },
  {
    name: "the id item of an append with 'any' is forgotten",
    scenario: "'any' and its repeat race",
    edits: [
      {
        file: 'append.ts',
        find: "if (typeof expected !== 'number') ids.push",
        replace: "if (typeof expected === 'boolean') ids.push",
      },
    ],
  },
  {
    name: 'a ticket is taken ahead and kept for later',
    scenario: 'processes append to streams of their own, one after the other',
    edits: [
      {
        file: 'counter.ts',
        find: 'return this.#queue.add(null, signal)',
        replace:
          'const kept = (this as any).kept; (this as any).kept = this.#queue.add(null, signal); return kept ?? this.#queue.add(null, signal)',
      },
    ],
  },
  {
    name: 'a hole with later slots is taken for the end',
    scenario: 'a ticket is taken and the process dies, before or after the commit',
    edits: [
      {
        file: 'log.ts',
        find: 'if (!hasLater && !(await this.#hasLater(ticket, last, signal))) {',
        replace: "if (ticket > 0) return 'end'\n    if (!hasLater && last < 0) {",
      },
    ],
  },
]
