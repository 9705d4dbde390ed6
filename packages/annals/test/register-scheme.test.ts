import { expect, test } from 'vitest'
import { knownSchemes, memoryStore, openEventStore, registerScheme } from '../src/index.js'
import { failureOf } from './failure-of.js'

test('a registered scheme opens with the URL as text and the options', async () => {
  const asked: unknown[] = []
  const undo = registerScheme('sqlite', async (url, options) => {
    asked.push(url, options)
    return memoryStore(options)
  })
  try {
    expect(knownSchemes()).toContain('sqlite')
    const options = { retryBudgetMs: 5 }
    await using store = await openEventStore('sqlite:./events.db?mode=wal', options)
    expect(await store.headPosition()).toBeNull()
    expect(asked).toEqual(['sqlite:./events.db?mode=wal', options])
  } finally {
    undo()
  }
  const error = await failureOf(openEventStore('sqlite:./events.db'))
  expect(error.message).toContain('unknown scheme "sqlite:"')
})

test('a factory may be synchronous, and the scheme may be written with its colon', async () => {
  const undo = registerScheme('Sqlite:', (_url, options) => memoryStore(options))
  try {
    await using store = await openEventStore('SQLite:x')
    expect(await store.streamVersion('Order-1')).toBe(0)
  } finally {
    undo()
  }
})

test('a later registration replaces an earlier or built-in one until it is taken back', async () => {
  const opened: string[] = []
  const factory = (name: string) => () => {
    opened.push(name)
    return memoryStore()
  }
  const undoFirst = registerScheme('memory', factory('first'))
  const undoSecond = registerScheme('memory', factory('second'))
  await (await openEventStore('memory:')).close()
  undoSecond()
  await (await openEventStore('memory:')).close()
  undoFirst()
  undoFirst()
  await (await openEventStore('memory:')).close()
  expect(opened).toEqual(['second', 'first'])
})

test('a failure of the factory is passed on as it is', async () => {
  const undo = registerScheme('sqlite', () => Promise.reject(new RangeError('no such mode')))
  try {
    await expect(openEventStore('sqlite:x')).rejects.toThrow(RangeError)
  } finally {
    undo()
  }
})

test.each(['', ':', '1x', 'a b', 'a:b', null as unknown as string])(
  'what is no scheme is refused: %j',
  (scheme) => {
    expect(() => registerScheme(scheme, () => memoryStore())).toThrow(/^scheme must be/)
  },
)

test('a factory must be a function', () => {
  expect(() => registerScheme('sqlite', undefined as never)).toThrow(/^factory must be/)
})
