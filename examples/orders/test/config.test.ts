import { expect, test } from 'vitest'
import { configFrom } from '../src/config.js'

test('without anything said, a day of trade on PGlite on disk', () => {
  expect(configFrom([], {})).toEqual({
    store: 'pglite:./data/orders',
    serve: false,
    port: 0,
    readModel: './data/orders-read-model.json',
    orders: 2000,
    seed: 1,
    crash: true,
  })
})

test('the store comes from the environment, or better from the command line', () => {
  const env = { ANNALS_URL: 'postgres://host/a' }
  expect(configFrom([], env)?.store).toBe('postgres://host/a')
  expect(configFrom(['--store', 'memory:'], env)?.store).toBe('memory:')
  expect(configFrom([], { ANNALS_URL: '' })?.store).toBe('pglite:./data/orders')
})

test('a service that stays up has a port that can be remembered', () => {
  expect(configFrom(['--serve'], {})?.port).toBe(8080)
  expect(configFrom(['--serve', '--port', '9000'], {})?.port).toBe(9000)
})

test.each([
  ['--orders', '0'],
  ['--orders', 'many'],
  ['--orders', '1.5'],
  ['--port', '65536'],
  ['--seed', '-1'],
  ['--colour', 'red'],
])('what makes no sense is refused: %s %s', (...args) => {
  expect(() => configFrom(args, {})).toThrow(args[0])
})

test('help is help', () => {
  expect(configFrom(['--help'], {})).toBeNull()
})
