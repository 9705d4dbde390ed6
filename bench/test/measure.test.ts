import { expect, test } from 'vitest'
import {
  CountedFailure,
  drive,
  median,
  perSecond,
  quantile,
  ratio,
  sample,
  sideBySide,
  summarise,
} from '../src/index.js'

test('each contender has its turn in each round, and another one is the first each time', async () => {
  const turns: string[] = []
  const contender = (name: string) => ({
    name,
    run: (round: number) => {
      turns.push(`${name}${round}`)
      return Promise.resolve(round)
    },
  })
  const results = await sideBySide(['A', 'B', 'C'].map(contender), { rounds: 2, warmup: 1 })
  expect(turns).toEqual(['A0', 'B0', 'C0', 'B1', 'C1', 'A1', 'C2', 'A2', 'B2'])
  expect([...results]).toEqual([
    ['A', [1, 2]],
    ['B', [1, 2]],
    ['C', [1, 2]],
  ])
})

test('a load counts what succeeded, what failed and what was got over', async () => {
  const result = await drive({
    workers: 3,
    each: 4,
    work: (worker, index, count) => {
      if (worker === 0) return Promise.reject(new CountedFailure('conflict'))
      if (index === 3) count('retry')
      return Promise.resolve()
    },
  })
  expect(result.operations).toBe(8)
  expect(result.latencies).toHaveLength(8)
  expect(result.failures).toEqual({ conflict: 4, retry: 2 })
})

test('a failure that nobody expected ends the load', async () => {
  const work = () => Promise.reject(new TypeError('oops'))
  await expect(drive({ workers: 2, each: 2, work })).rejects.toThrow('oops')
})

test('medians and quantiles', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  expect(quantile(hundred, 0.5)).toBe(50)
  expect(quantile(hundred, 0.99)).toBe(99)
  expect(quantile(hundred, 1)).toBe(100)
  expect(quantile([], 0.5)).toBeNaN()
})

test('a ratio is taken within each round', () => {
  // The second round ran on a machine that was ten times slower: the ratio does not see it.
  const of = (operations: number, milliseconds: number) =>
    sample(new Array<number>(operations).fill(1), milliseconds)
  const results = new Map([
    ['fast', [of(30, 10), of(30, 100), of(40, 10)]],
    ['slow', [of(10, 10), of(10, 100), of(10, 10)]],
  ])
  expect(ratio(results, 'fast', 'slow', perSecond)).toEqual({ median: 3, lowest: 3, highest: 4 })
  expect(summarise(results.get('fast') ?? []).perSecond).toBe(3000)
})
