import type { Direction, Filter } from '@annals/core'
import * as fc from 'fast-check'

export const streamIds = ['Order-1', 'Order-2', 'OrderItem-1', "O'Brien-%_"] as const
export const types = ['Placed', 'Shipped', "It's"] as const
export const filters: readonly Filter[] = [
  {},
  { categories: ['Order'] },
  { streamPrefixes: ['Order-', "O'B"] },
  { types: ['Placed'] },
  { categories: ['Order', 'OrderItem'], types: ['Shipped', "It's"] },
  { types: ['Absent'] },
]

/** What is demanded of the stream: exactly its version, that version and something, or one of the words. */
export type Demand = 'any' | 'exists' | 'true' | number

/** A step of a random sequence. References to what came before are numbers, taken modulo what there is. */
export type Command =
  | {
      readonly do: 'append'
      readonly stream: number
      readonly demand: Demand
      readonly events: readonly { readonly type: number; readonly data: unknown }[]
    }
  | { readonly do: 'repeat'; readonly which: number; readonly demand: Demand | 'same' }
  | { readonly do: 'mix'; readonly which: number; readonly demand: Demand; readonly first: boolean }
  | {
      readonly do: 'appendToStreams'
      readonly parts: readonly { readonly stream: number; readonly demand: Demand }[]
    }
  | {
      readonly do: 'readStream'
      readonly stream: number
      readonly direction: Direction
      readonly from: number | undefined
      readonly limit: number | undefined
    }
  | {
      readonly do: 'readAll'
      readonly direction: Direction
      readonly after: number | undefined
      readonly limit: number | undefined
      readonly filter: number
    }
  | { readonly do: 'heads' }
  | {
      readonly do: 'saveCheckpoint'
      readonly name: number
      readonly at: number
      readonly expected: 'nothing' | 'true' | 'null' | number
    }
  | { readonly do: 'deleteCheckpoint'; readonly name: number }
  | {
      readonly do: 'saveSnapshot'
      readonly stream: number
      readonly version: number
      readonly state: unknown
    }
  | { readonly do: 'deleteSnapshot'; readonly stream: number }
  | { readonly do: 'otherHandle' }
  | { readonly do: 'reopen' }
  | {
      readonly do: 'subscribe'
      readonly after: number | undefined
      readonly filter: number
      readonly resumeAt: number
    }
  | { readonly do: 'subscribeStream'; readonly stream: number; readonly after: number }

const stream = fc.nat(streamIds.length - 1)
const filter = fc.nat(filters.length - 1)
const limit = fc.option(fc.nat(6), { nil: undefined })
const after = fc.option(fc.nat(60), { nil: undefined })
const direction = fc.constantFrom<Direction>('forwards', 'backwards')
const data = fc.jsonValue({ maxDepth: 2 })
const demand: fc.Arbitrary<Demand> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('true' as const) },
  { weight: 2, arbitrary: fc.constantFrom('any' as const, 'exists' as const) },
  { weight: 2, arbitrary: fc.integer({ min: -2, max: 2 }) },
)
const event = fc.record({ type: fc.nat(types.length - 1), data })

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      stream,
      demand,
      events: fc.array(event, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('repeat' as const),
      which: fc.nat(30),
      demand: fc.oneof({ weight: 2, arbitrary: fc.constant('same' as const) }, demand),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('mix' as const),
      which: fc.nat(30),
      demand,
      first: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('appendToStreams' as const),
      parts: fc.uniqueArray(fc.record({ stream, demand }), {
        selector: (part) => part.stream,
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('readStream' as const),
      stream,
      direction,
      from: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
      limit,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('readAll' as const), direction, after, limit, filter }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'heads' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('saveCheckpoint' as const),
      name: fc.nat(1),
      at: fc.nat(60),
      expected: fc.oneof(
        fc.constantFrom('nothing' as const, 'true' as const, 'null' as const),
        fc.nat(60),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('deleteCheckpoint' as const), name: fc.nat(1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('saveSnapshot' as const),
      stream,
      version: fc.integer({ min: 1, max: 12 }),
      state: data,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteSnapshot' as const), stream }) },
  { weight: 1, arbitrary: fc.constant({ do: 'otherHandle' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('subscribe' as const),
      after,
      filter,
      resumeAt: fc.nat(20),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('subscribeStream' as const), stream, after: fc.nat(8) }),
  },
)

export function sequences(maxLength: number): fc.Arbitrary<Command[]> {
  return fc.array(command, { minLength: 1, maxLength, size: 'max' })
}
