import { expect, test } from 'vitest'
import { ContendedStreams } from '../src/contended-streams.js'

test('a stream counts as contended from when it was seen so, and no other does', () => {
  const contended = new ContendedStreams()
  expect(contended.among(['Order-1'])).toEqual([])
  contended.add('Order-2')
  expect(contended.among(['Order-1', 'Order-2', 'Order-3', 'Order-2'])).toEqual(['Order-2'])
})
