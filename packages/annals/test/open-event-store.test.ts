import { expect, expectTypeOf, test } from 'vitest'
import { type EventStore, InvalidArgumentError, memoryStore, openEventStore } from '../src/index.js'
import { failureOf } from './failure-of.js'

test('memory: opens an empty store of its own', async () => {
  await using one = await openEventStore('memory:')
  await using other = await openEventStore(new URL('memory:'))
  await one.append('Order-1', [{ type: 'OrderPlaced', data: { total: 3 } }])
  expect(await one.streamVersion('Order-1')).toBe(1)
  expect(await other.streamVersion('Order-1')).toBe(0)
  expectTypeOf(one).toEqualTypeOf<EventStore>()
})

test('the options reach the store', async () => {
  const error = await failureOf(openEventStore('memory:', { retryBudgetMs: -1 }))
  expect(error.message).toContain('retryBudgetMs')
})

test('the scheme is read without regard to case', async () => {
  await using store = await openEventStore('MEMORY:')
  expect(await store.headPosition()).toBeNull()
})

test('memory: refuses a name, which would promise that it can be shared', async () => {
  const error = await failureOf(openEventStore('memory:orders'))
  expect(error).toBeInstanceOf(InvalidArgumentError)
  expect(error.message).toContain('takes no name')
})

test('an unknown scheme is refused with the list of those that are known', async () => {
  const error = await failureOf(openEventStore('mysql://user:hunter2@host/db'))
  expect(error.code).toBe('INVALID_ARGUMENT')
  expect(error.message).toBe(
    'url has the unknown scheme "mysql:". Known are memory, pglite, postgres, postgresql, dynamodb, kurrentdb, kurrentdb+discover, esdb, esdb+discover; registerScheme adds others.',
  )
})

test.each(['', 'data/orders', '//user:hunter2@host', '1pg://user:hunter2@host'])(
  'what is no URL is refused: %s',
  async (url) => {
    const error = await failureOf(openEventStore(url))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).toMatch(/^url must be a URL such as memory:, pglite:/)
  },
)

test.each(['mysql://user:hunter2@host/db', '//user:hunter2@host', 'my sql://user:hunter2@host'])(
  'no password gets into an error: %s',
  async (url) => {
    const error = await failureOf(openEventStore(url))
    const everything = `${error.stack} ${JSON.stringify(error)} ${JSON.stringify(error.cause)}`
    expect(everything).not.toContain('hunter2')
  },
)

test('an application needs no other package for the names of the contract', () => {
  expect(typeof memoryStore).toBe('function')
})
