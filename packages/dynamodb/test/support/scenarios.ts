import type { World } from './interleave.js'

const id = (n: number) => `00000000-0000-4000-8000-${n.toString().padStart(12, '0')}`

/** What several processes do on one table. Each runs under many orders of its requests. */
export const scenarios: Record<string, (world: World) => void> = {
  'a writer is fenced while it writes': (world) => {
    world.actor('writer').append('A-1', [id(1), id(2)], 0)
    world.actor('other').append('B-1', [id(3)], 0)
    world.actor('reader').readAll(4)
  },
  'two readers fill the same hole': (world) => {
    world
      .actor('dead')
      .append('A-1', [id(1)], 0)
      .fault('dies', 'TransactWriteItems')
    world
      .actor('writer')
      .append('B-1', [id(2)], 0)
      .append('B-1', [id(3)], 1)
    world.actor('reader 1').readAll(2)
    world.actor('reader 2').readAll(2)
  },
  "a late writer's ticket is below the head's": (world) => {
    world.actor('one').append('A-1', [id(1)], 'any')
    world.actor('two').append('A-1', [id(2)], 'any')
    world.actor('three').append('A-1', [id(3)], 'any')
    world.actor('reader').readAll(2)
  },
  'a ticket is taken and the process dies, before or after the commit': (world) => {
    world
      .actor('dead')
      .append('A-1', [id(1)], 'any')
      .fault('dies', 'TransactWriteItems')
    world
      .actor('cut off')
      .append('A-1', [id(2)], 'any')
      .fault('lostAfter', 'TransactWriteItems')
    world.actor('reader').readAll(3)
  },
  'a conflict and a repeat race': (world) => {
    world
      .actor('one')
      .append('A-1', [id(1)], 0)
      .fault('lostBefore', 'TransactWriteItems')
    world.actor('its repeat').append('A-1', [id(1)], 0)
    world
      .actor('rival')
      .append('A-1', [id(2)], 0)
      .append('A-1', [id(3)], 1)
  },
  "'any' and its repeat race": (world) => {
    world
      .actor('one')
      .append('A-1', [id(1), id(2)], 'any')
      .fault('lostAfter', 'TransactWriteItems')
    world.actor('its repeat').append('A-1', [id(1), id(2)], 'any')
    world.actor('rival').append('A-1', [id(3)], 'any')
    world.actor('reader').readAll(2)
  },
  'a request arrives after its caller was told that nothing was written': (world) => {
    world
      .actor('impatient', { retryBudgetMs: 0 })
      .append('A-1', [id(1)], 0)
      .fault('arrivesLate', 'TransactWriteItems')
    world.actor('reader').readAll(2)
  },
  'a request arrives after its repeat': (world) => {
    world
      .actor('patient')
      .append('A-1', [id(1)], 'any')
      .fault('arrivesLate', 'TransactWriteItems')
      .append('A-1', [id(2)], 'any')
    world.actor('reader').readAll(2)
  },
  'a reader begins where an append ended': (world) => {
    world.actor('slow').append('A-1', [id(1)], 0)
    world
      .actor('reads on')
      .append('B-1', [id(2)], 0)
      .readAll(2, undefined, 'lastAppend')
    world.actor('writer').append('C-1', [id(3)], 0)
  },
  'readers begin at the head, and backwards': (world) => {
    world.actor('slow').append('A-1', [id(1)], 0)
    world
      .actor('writer')
      .append('C-1', [id(3)], 0)
      .append('C-1', [id(4)], 1)
    world.actor('at the head').head().head()
    world.actor('backwards').readBackwards()
  },
  'processes append to streams of their own, one after the other': (world) => {
    world
      .actor('one')
      .append('A-1', [id(1)], 0)
      .append('A-2', [id(2)], 0)
    world
      .actor('two')
      .append('B-1', [id(3)], 0)
      .append('B-2', [id(4)], 0)
  },
  'a process appends behind what another appended': (world) => {
    world
      .actor('one')
      .append('A-1', [id(1)], 0)
      .append('A-1', [id(2)], 1)
    world
      .actor('two')
      .append('A-1', [id(3)], 1)
      .append('A-1', [id(4)], 'exists')
  },
  'a reader pages while tickets resolve out of order': (world) => {
    world
      .actor('one')
      .append('A-1', [id(1)], 0)
      .append('A-1', [id(2)], 1)
    // Too large for its slot: the reader fetches it apart.
    world
      .actor('two')
      .append('B-1', [id(3)], 0, 1500)
      .append('B-1', [id(4)], 1, 1500)
    world.actor('reader').readAll(5, 1)
  },
}
