import type { NewEvent } from '@annals/core'
import { draft, drafts, malformed } from '../fixtures.js'

class Money {
  constructor(readonly amount: number) {}
}

/** Appends that no store can accept, by what is wrong with them. */
export function malformedEvents(): [what: string, events: readonly NewEvent[]][] {
  const twin = draft()
  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  const one = (event: unknown): readonly NewEvent[] => [malformed(event)]
  const data = (value: unknown) => one({ type: 'OrderPlaced', data: value })
  const metadata = (value: unknown) => one({ type: 'OrderPlaced', data: 1, metadata: value })
  const id = (value: unknown) => one({ type: 'OrderPlaced', data: 1, id: value })
  const type = (value: unknown) => one({ type: value, data: 1 })
  return [
    ['an empty list', []],
    ['something that is no list', malformed('events') as unknown as readonly NewEvent[]],
    ['null as an event', one(null)],
    ['two equal ids', [twin, draft(), { ...draft(), id: twin.id }]],
    [
      'two equal ids in different case',
      [twin, { ...draft(), id: twin.id.toUpperCase() }, ...drafts(1)],
    ],
    ['an id that is no UUID', id('order-1')],
    ['an empty id', id('')],
    ['an id with braces', id(`{${twin.id}}`)],
    ['an id that is cut', id(twin.id.slice(0, -1))],
    ['a number as id', id(7)],
    ['an empty type', type('')],
    ['a number as type', type(7)],
    ['no type', one({ data: 1 })],
    ['a type with a lone surrogate', type('Order\ud800')],
    ['no data', one({ type: 'OrderPlaced' })],
    ['undefined as data', data(undefined)],
    ['a function as data', data(() => 1)],
    ['a symbol as data', data(Symbol('x'))],
    ['a bigint as data', data(1n)],
    ['NaN as data', data(Number.NaN)],
    ['Infinity as data', data(Number.POSITIVE_INFINITY)],
    ['NaN deep in data', data({ lines: [{ price: Number.NaN }] })],
    ['a Date in data', data({ at: new Date(0) })],
    ['a Map as data', data(new Map([['a', 1]]))],
    ['an instance of a class in data', data({ price: new Money(3) })],
    ['undefined in a list', data([1, undefined, 3])],
    ['a bigint in a list', data([1n])],
    ['a cycle in data', data(cyclic)],
    ['bytes inside JSON', data({ file: new Uint8Array([1, 2]) })],
    ['null as metadata', metadata(null)],
    ['a list as metadata', metadata([1])],
    ['text as metadata', metadata('trace')],
    ['bytes as metadata', metadata(new Uint8Array([1]))],
    ['NaN in metadata', metadata({ n: Number.NaN })],
    ['a Date in metadata', metadata({ at: new Date(0) })],
  ]
}
