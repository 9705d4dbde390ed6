// Two event streams that were loaded at the same revision both commit, in the in-memory storage of `eventstore`.
import { commit, load, nodeEventStore } from '../src/support/node-eventstore.js'
import { errorOf, show, told } from '../src/support/show.js'

await show('the second of two commits on the same revision fails', async () => {
  const store = await nodeEventStore()
  const [ann, bob] = await Promise.all([load(store, 'seat-1'), load(store, 'seat-1')])
  await commit(ann, [{ takenBy: 'ann' }])
  const error = await errorOf(commit(bob, [{ takenBy: 'bob' }]))
  const { events } = await load(store, 'seat-1')
  const revisions = events.map((e) => e.streamRevision).join(', ')
  return {
    shown: error === undefined && revisions === '0, 0',
    observed: error ? told(error) : `it succeeded; the stream has the revisions ${revisions}`,
  }
})
