import { describe, expect, it } from 'vitest'
import { pages } from '../src/index.js'

function counting(total: number) {
  const asked: number[] = []
  const signals: AbortSignal[] = []
  const fetchPage = async (cursor: number | null, signal: AbortSignal) => {
    const page = (cursor ?? 0) + 1
    asked.push(page)
    signals.push(signal)
    return { page, next: page === total ? null : page }
  }
  return { asked, signals, fetchPage }
}

describe('pages', () => {
  it('gives them all in order', async () => {
    const { fetchPage } = counting(5)
    const seen: number[] = []
    for await (const page of pages(new AbortController().signal, fetchPage)) seen.push(page)
    expect(seen).toEqual([1, 2, 3, 4, 5])
  })

  it('is one page ahead of a slow consumer, never more', async () => {
    const { fetchPage, asked } = counting(50)
    const iterator = pages(new AbortController().signal, fetchPage)
    for (const n of [1, 2, 3]) {
      await iterator.next()
      await new Promise((resolve) => setImmediate(resolve))
      expect(asked.length).toBe(n + 1)
    }
    await iterator.return()
  })

  it('aborts what is under way when the consumer stops, and when the signal does', async () => {
    const stopped = counting(50)
    for await (const page of pages(new AbortController().signal, stopped.fetchPage))
      if (page === 2) break
    expect(stopped.signals.length).toBe(3)
    expect(stopped.signals.at(-1)!.aborted).toBe(true)
    const controller = new AbortController()
    const aborted = counting(50)
    const iterator = pages(controller.signal, aborted.fetchPage)
    await iterator.next()
    controller.abort()
    expect(aborted.signals.every((signal) => signal.aborted)).toBe(true)
    await iterator.return()
  })

  it('reports a failure of the page ahead when its turn comes', async () => {
    const fetchPage = async (cursor: number | null) => {
      if (cursor === 1) throw new Error('lost')
      return { page: 1, next: 1 }
    }
    const iterator = pages(new AbortController().signal, fetchPage)
    expect((await iterator.next()).value).toBe(1)
    await expect(iterator.next()).rejects.toThrow('lost')
  })
})
