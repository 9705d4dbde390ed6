import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { coalesce, type Outcome } from '../src/index.js'

/** A coalescer whose batches wait for the test to let them go. */
function held(
  options: {
    maxItems?: number
    maxWeight?: number
    concurrency?: number
    divideFrom?: number
    key?: (item: number) => string
  } = {},
) {
  const batches: { items: number[]; end(outcomes?: readonly Outcome<number>[] | Error): void }[] =
    []
  let arrived: () => void = () => {}
  const coalescer = coalesce<number, number>({
    maxItems: 100,
    maxWeight: 1000,
    ...options,
    weigh: (item) => item,
    run: (items) =>
      new Promise((resolve, reject) => {
        batches.push({
          items: [...items],
          end: (outcomes = items.map((value) => ({ ok: true, value }))) =>
            outcomes instanceof Error ? reject(outcomes) : resolve(outcomes),
        })
        arrived()
      }),
  })
  const batch = async (index: number) => {
    while (!batches[index]) {
      await new Promise<void>((resolve) => {
        arrived = resolve
      })
    }
    return batches[index]
  }
  return { coalescer, batches, batch }
}

describe('coalesce', () => {
  it('groups what waits, in the order of arrival', async () => {
    const { coalescer, batch } = held()
    const first = coalescer.add(1)
    const one = await batch(0)
    const rest = [2, 3, 4].map((n) => coalescer.add(n))
    one.end()
    expect(await first).toBe(1)
    const two = await batch(1)
    expect(two.items).toEqual([2, 3, 4])
    two.end()
    expect(await Promise.all(rest)).toEqual([2, 3, 4])
  })

  it('groups what is called in one turn, after a lone item too', async () => {
    const { coalescer, batch } = held()
    for (const index of [0, 1]) {
      const lone = coalescer.add(index)
      const alone = await batch(index)
      expect(alone.items).toEqual([index])
      alone.end()
      await lone
    }
    const all = [2, 3, 4].map((n) => coalescer.add(n))
    const together = await batch(2)
    expect(together.items).toEqual([2, 3, 4])
    together.end()
    await Promise.all(all)
  })

  it('divides what waits among the places that are free, and keeps it divided', async () => {
    const { coalescer, batch } = held({ concurrency: 2, divideFrom: 2 })
    const all = Array.from({ length: 7 }, async (_, n) => {
      await coalescer.add(n)
      await coalescer.add(n + 10)
    })
    const [one, two] = [await batch(0), await batch(1)]
    expect([one.items, two.items]).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6],
    ])
    two.end()
    const three = await batch(2)
    expect(three.items).toEqual([14, 15, 16])
    one.end()
    const four = await batch(3)
    expect(four.items).toEqual([10, 11, 12, 13])
    three.end()
    four.end()
    await Promise.all(all)
  })

  it('does not divide what is too little for two batches', async () => {
    const { coalescer, batch } = held({ concurrency: 2, divideFrom: 4 })
    const all = [1, 2, 3, 4].map((n) => coalescer.add(n))
    const one = await batch(0)
    expect(one.items).toEqual([1, 2, 3, 4])
    one.end()
    await Promise.all(all)
  })

  it('takes in those who come back from the batch that has just ended', async () => {
    const { coalescer, batch } = held()
    const again = Promise.all(
      [1, 2].map((n) => coalescer.add(n).then((m) => coalescer.add(m + 10))),
    )
    const one = await batch(0)
    expect(one.items).toEqual([1, 2])
    one.end()
    const two = await batch(1)
    expect(two.items).toEqual([11, 12])
    two.end()
    await again
  })

  it('keeps to the weight and the count of a batch; what is too heavy goes alone', async () => {
    const { coalescer, batch } = held({ maxItems: 3, maxWeight: 10 })
    const all = [5, 5, 1, 50, 1, 1, 1, 1].map((n) => coalescer.add(n))
    const sizes: number[][] = []
    for (const index of [0, 1, 2, 3, 4]) {
      const next = await batch(index)
      sizes.push(next.items)
      next.end()
    }
    expect(sizes).toEqual([[5, 5], [1], [50], [1, 1, 1], [1]])
    await Promise.all(all)
  })

  it('gives each item its own outcome, and a failed batch’s failure to all', async () => {
    const { coalescer, batch } = held()
    const outcomes = Promise.allSettled([1, 2].map((n) => coalescer.add(n)))
    const refused = new Error('refused')
    ;(await batch(0)).end([
      { ok: false, error: refused },
      { ok: true, value: 2 },
    ])
    expect(await outcomes).toEqual([
      { status: 'rejected', reason: refused },
      { status: 'fulfilled', value: 2 },
    ])
    const lost = Promise.allSettled([3, 4].map((n) => coalescer.add(n)))
    ;(await batch(1)).end(refused)
    expect((await lost).map((o) => o.status)).toEqual(['rejected', 'rejected'])
    const wrong = coalescer.add(5)
    ;(await batch(2)).end([])
    await expect(wrong).rejects.toThrow('came back with 0 outcomes')
  })

  it('takes an aborted item out while it waits, and leaves it in once it is sent', async () => {
    const { coalescer, batch } = held()
    const controller = new AbortController()
    const sent = coalescer.add(1, controller.signal)
    const one = await batch(0)
    const waiting = coalescer.add(2, controller.signal)
    const other = coalescer.add(3)
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    one.end()
    expect(await sent).toBe(1)
    const two = await batch(1)
    expect(two.items).toEqual([3])
    two.end()
    await other
  })

  it('runs as many batches at a time as it may', async () => {
    const { coalescer, batch, batches } = held({ concurrency: 2, maxItems: 1 })
    const all = [1, 2, 3].map((n) => coalescer.add(n))
    await batch(1)
    expect(batches.length).toBe(2)
    ;(await batch(0)).end()
    ;(await batch(2)).end()
    ;(await batch(1)).end()
    await Promise.all(all)
  })

  it('puts what waits for one key into one batch, after the batch with that key, and holds up no other', async () => {
    const { coalescer, batch } = held({
      concurrency: 2,
      divideFrom: 1,
      key: (n) => String(n % 10),
    })
    const all = [11, 21, 31, 12].map((n) => coalescer.add(n))
    const [one, two] = [await batch(0), await batch(1)]
    expect([one.items, two.items]).toEqual([[11, 21, 31], [12]])
    all.push(...[41, 51, 13, 61].map((n) => coalescer.add(n)))
    two.end()
    const three = await batch(2)
    expect(three.items).toEqual([13])
    one.end()
    const four = await batch(3)
    expect(four.items).toEqual([41, 51, 61])
    three.end()
    four.end()
    await Promise.all(all)
  })

  it('never has a key under way twice, keeps the order of each, and forgets none, however calls and ends fall', async () => {
    const step = fc.oneof(
      fc.record({ add: fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }) }),
      fc.record({ end: fc.nat(2) }),
    )
    const limits = fc.record({
      concurrency: fc.integer({ min: 1, max: 3 }),
      maxItems: fc.integer({ min: 1, max: 5 }),
      divideFrom: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    })
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 30 }), async (options, steps) => {
        const underWay: { items: readonly number[]; end(): void }[] = []
        const order = new Map<number, number[]>()
        const keyOf = (item: number) => item % 10
        const coalescer = coalesce<number, number>({
          ...options,
          maxWeight: Number.POSITIVE_INFINITY,
          weigh: () => 1,
          key: (item) => String(keyOf(item)),
          run: (items) => {
            const others = underWay.flatMap((batch) => batch.items.map(keyOf))
            expect(underWay.length).toBeLessThan(options.concurrency)
            expect(items.length).toBeLessThanOrEqual(options.maxItems)
            for (const item of items) {
              expect(others).not.toContain(keyOf(item))
              order.set(keyOf(item), [...(order.get(keyOf(item)) ?? []), item])
            }
            return new Promise((resolve) => {
              const batch = {
                items,
                end: () => {
                  underWay.splice(underWay.indexOf(batch), 1)
                  resolve(items.map((value) => ({ ok: true, value })))
                },
              }
              underWay.push(batch)
            })
          },
        })
        // A batch's end is noticed in one turn, and the next batch goes with the one after it.
        const turns = async () => {
          for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
        }
        const answers: Promise<number>[] = []
        for (const { add, end } of steps as { add?: number[]; end?: number }[]) {
          for (const key of add ?? []) answers.push(coalescer.add(answers.length * 10 + key))
          if (end !== undefined) underWay[end]?.end()
          await turns()
        }
        while (underWay.length > 0) {
          underWay[0]!.end()
          await turns()
        }
        const given = await Promise.all(answers)
        expect([...order.values()].flat().sort((a, b) => a - b)).toEqual(given)
        for (const items of order.values()) expect(items).toEqual(items.toSorted((a, b) => a - b))
      }),
      { numRuns: 300 },
    )
  })
})
