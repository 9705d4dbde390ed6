// Who pages through the events of the in-memory storage of `eventstore` misses one and gets another twice, because
// events of the same millisecond are sorted by stream, and so change their places.
import {
  called,
  commit,
  load,
  nodeEventStore,
  type StoredEvent,
} from '../src/support/node-eventstore.js'
import { show } from '../src/support/show.js'

const wanted = ['a1', 'b1', 'a2']

await show('two pages of two give a1, b1 and a2', async () => {
  for (;;) {
    const store = await nodeEventStore()
    const a = await load(store, 'a')
    const b = await load(store, 'b')
    const page = (skip: number) =>
      called<readonly StoredEvent[]>((done) => store.getEvents(skip, 2, done))
    await commit(a, ['a1'])
    await commit(b, ['b1'])
    const first = await page(0)
    await commit(a, ['a2'])
    const second = await page(2)
    const stamps = new Set([...first, ...second].map((e) => e.commitStamp.getTime()))
    if (stamps.size > 1) continue // not all in one millisecond: again
    const got = [...first, ...second].map((e) => e.payload as string)
    return {
      shown: got.join() !== wanted.join(),
      observed: `the pages hold ${got.join(', ')}`,
    }
  }
})
