import type { ConformanceCase } from '../case.js'
import { equal, sameEvents } from '../check.js'
import { draft, drafts, idsOf, writeOthers } from '../fixtures.js'

/** Text that means something to some database, query language, template or shell. */
const hostile = [
  "'; DROP TABLE events; --",
  '"; DELETE FROM annals.events; --',
  "Order-1' OR '1'='1",
  "Robert'); DROP TABLE streams;--",
  '$1',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text that must stay text
  '${process.exit(1)}',
  '{{constructor.constructor("return process")()}}',
  ':value AND attribute_exists(PK)',
  '#name',
  'a\\',
  "\\'; SELECT pg_sleep(10); --",
  "E'\\''",
  '/* comment */',
  '{"$ne":null}',
  '{}',
  '[]',
  'NULL',
  '{"a","b"}',
  'a,b,c',
  '(a,b)',
  '%s %d %n',
  '../../etc/passwd',
  'a|b&c;d`e`',
  '^[^$].*',
  '注文 — ünï 🛒',
]

export const statementCases: readonly ConformanceCase[] = [
  {
    id: 'ERR-3/streams-types-payloads',
    rule: 'ERR-3',
    title: 'hostile stream ids, types and payloads are text and nothing more',
    async run(t) {
      const others = await writeOthers(t.store)
      const names = hostile.filter((text) => !text.startsWith('$'))
      for (const text of names) {
        const event = draft({
          type: text,
          data: { [text]: text },
          metadata: { correlationId: text, [text]: [text] },
        })
        await t.store.append(text, [event, draft({ data: text })], { expectedVersion: 0 })
        await t.store.append(text, [draft({ data: [text] })], { expectedVersion: 2 })
        const [first, second, third] = await t.store.readStream(text).toArray()
        equal(
          [first?.streamId, first?.type, first?.data, first?.metadata],
          [text, text, event.data, event.metadata],
          `an event with ${JSON.stringify(text)} everywhere`,
        )
        equal(second?.data, text, 'data that is hostile text')
        equal(third?.version, 3, 'the version of a second append')
      }
      const all = await t.store.readAll().toArray()
      equal(all.length, others.length + names.length * 3, 'events in all')
      sameEvents(all.slice(0, others.length), others, 'the events of the other streams')
    },
  },
  {
    id: 'ERR-3/filters',
    rule: 'ERR-3',
    title: 'hostile filter values select what is named so and nothing else',
    async run(t) {
      await writeOthers(t.store)
      const names = hostile.filter((text) => !text.startsWith('$') && !text.includes('-'))
      for (const text of names) await t.store.append(`${text}-1`, [draft({ type: text })])
      const all = await t.store.readAll().toArray()
      for (const text of names)
        for (const [filter, want] of [
          [{ categories: [text] }, (e: (typeof all)[0]) => e.streamId === `${text}-1`],
          [{ types: [text] }, (e: (typeof all)[0]) => e.type === text],
          [{ streamPrefixes: [text] }, (e: (typeof all)[0]) => e.streamId.startsWith(text)],
        ] as const)
          equal(
            idsOf(await t.store.readAll({ filter }).toArray()),
            idsOf(all.filter(want)),
            `the filter ${JSON.stringify(filter)}`,
          )
    },
  },
  {
    id: 'ERR-3/checkpoints-and-snapshots',
    rule: 'ERR-3',
    title: 'hostile subscription ids, snapshot streams and states are text and nothing more',
    async run(t) {
      const others = await writeOthers(t.store)
      const position = others[0]?.position ?? ''
      const names = hostile.filter((text) => !text.startsWith('$'))
      for (const [i, text] of names.entries()) {
        await t.store.checkpoints.save(text, others[i % others.length]?.position ?? '')
        await t.store.snapshots.save({ streamId: text, version: i + 1, state: { [text]: text } })
      }
      for (const [i, text] of names.entries()) {
        const saved = others[i % others.length]?.position
        equal(await t.store.checkpoints.load(text), saved, `the checkpoint ${text}`)
        equal(
          await t.store.snapshots.load(text),
          { streamId: text, version: i + 1, state: { [text]: text } },
          `the snapshot of ${text}`,
        )
        await t.store.checkpoints.save(text, position, { expected: saved })
      }
      sameEvents(await t.store.readAll().toArray(), others, 'all events')
    },
  },
  {
    id: 'ERR-3/look-alikes',
    rule: 'ERR-3',
    title: 'stream ids that a database might fold into one are different streams',
    async run(t) {
      await writeOthers(t.store)
      const ids = ['Straße', 'Strasse', 'STRASSE', 'é', 'e\u0301', 'a ', 'a', 'A', 'ａ', 'a_', 'a%']
      for (const [i, id] of ids.entries())
        await t.store.append(id, drafts(i + 1), { expectedVersion: 0 })
      for (const [i, id] of ids.entries()) {
        equal(await t.store.streamVersion(id), i + 1, `the version of ${JSON.stringify(id)}`)
        const events = await t.store.readStream(id).toArray()
        equal(
          events.map((e) => e.streamId),
          events.map(() => id),
          `the stream ids in ${JSON.stringify(id)}`,
        )
        equal(events.length, i + 1, `events of ${JSON.stringify(id)}`)
      }
    },
  },
]
