import { inspect } from 'node:util'
import { isEventStoreError, type RecordedEvent } from '@annals/core'
import type { Harness, Subject } from './harness.js'
import type { TimelineOperation } from './reports/run-record.js'

/** Operations of a timeline. A case may do thousands; what contradicts each other stands near the end. */
const mostOperations = 40

interface Begun {
  soFar(outcome: string): void
  end(outcome: string): void
}

/** Notes who did what and when through the stores and hooks of a harness, and changes nothing of it. */
export class Trace {
  readonly #operations: { process: string; start: number; end: number | null; text: string }[] = []
  readonly #dressed = new WeakMap<object, object>()
  readonly #names = new Map<string, number>()

  /** The same harness; what is done with its subjects is noted. */
  harness(harness: Harness): Harness {
    return {
      name: harness.name,
      ...(harness.missing && { missing: harness.missing }),
      open: async (options) => this.#subject(await harness.open(options)),
    }
  }

  /** The last operations, in the order of their beginning. */
  timeline(): TimelineOperation[] {
    const earlier = Math.max(0, this.#operations.length - mostOperations)
    return this.#operations.slice(earlier).map((operation, index) => ({
      ...operation,
      text: index === 0 && earlier > 0 ? `(${earlier} before) ${operation.text}` : operation.text,
    }))
  }

  #subject(subject: Subject): Subject {
    return this.#dress(subject, 'the case', {
      // Not what the case does: it counts, or is over.
      quiet: ['requestCount', 'cleanup'],
      namesOf: (hook) => {
        const name = hook === 'openAnother' ? 'another' : hook
        const times = (this.#names.get(name) ?? 0) + 1
        this.#names.set(name, times)
        return times === 1 ? name : `${name} ${times}`
      },
      inside: { store: 'first' },
    })
  }

  #dress<T extends object>(
    target: T,
    process: string,
    how: {
      readonly quiet?: readonly string[]
      readonly namesOf?: (method: string) => string
      readonly inside?: Readonly<Record<string, string>>
      readonly prefix?: string
    } = {},
  ): T {
    const there = this.#dressed.get(target)
    if (there) return there as T
    const dressed = new Proxy(target, {
      get: (_, key) => {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof key !== 'string') {
          return typeof value === 'function' ? value.bind(target) : value
        }
        if (typeof value === 'function') {
          if (how.quiet?.includes(key)) return value.bind(target)
          return (...args: unknown[]) =>
            this.#call(
              process,
              `${how.prefix ?? ''}${key}`,
              args,
              () => value.apply(target, args),
              how.namesOf,
            )
        }
        if (!isActive(value)) return value
        // What a store keeps beside events is part of the store; what a hook gave is the hook's.
        const prefix = key === 'checkpoints' || key === 'snapshots' ? `${key}.` : ''
        return this.#dress(value, how.inside?.[key] ?? process, { prefix })
      },
    })
    this.#dressed.set(target, dressed)
    return dressed
  }

  #call(
    process: string,
    name: string,
    args: readonly unknown[],
    work: () => unknown,
    namesOf?: (method: string) => string,
  ): unknown {
    const call = `${name}(${args.map(brief).filter(Boolean).join(', ')})`
    // A read or a subscription does nothing before somebody iterates over it.
    const lazy = name.startsWith('read') || name.startsWith('subscribe')
    const operation = lazy ? undefined : this.#begin(process, call)
    let result: unknown
    try {
      result = work()
    } catch (error) {
      ;(operation ?? this.#begin(process, call)).end(failure(error))
      throw error
    }
    const dress = (value: unknown) =>
      isActive(value) ? this.#dress(value, namesOf ? namesOf(name) : process) : value
    if (result instanceof Promise)
      return result.then(
        (value: unknown) => {
          operation?.end(isActive(value) ? '' : brief(value))
          return dress(value)
        },
        (error: unknown) => {
          operation?.end(failure(error))
          throw error
        },
      )
    if (isIterable(result)) return this.#iterable(result, process, call)
    operation?.end(isActive(result) ? '' : brief(result))
    return dress(result)
  }

  /** A read or a subscription: an operation from the first step of an iteration to its last. */
  #iterable<T extends object>(source: T, process: string, call: string): T {
    return new Proxy(source, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          const made: unknown = value.apply(target, args)
          if (key === Symbol.asyncIterator)
            return this.#iterator(made as AsyncIterator<unknown>, process, call)
          if (isIterable(made)) return this.#iterable(made, process, call)
          if (!(made instanceof Promise)) return made
          const { end } = this.#begin(process, call)
          made.then(
            (all: unknown) => end(String(new Given(Array.isArray(all) ? all : []))),
            (error: unknown) => end(failure(error)),
          )
          return made
        }
      },
    })
  }

  #iterator(
    iterator: AsyncIterator<unknown>,
    process: string,
    call: string,
  ): AsyncIterableIterator<unknown> {
    let operation: Begun | undefined
    const got = new Given()
    const step = async (work: () => Promise<IteratorResult<unknown>>) => {
      operation ??= this.#begin(process, call)
      try {
        const result = await work()
        if (!result.done) got.add(Array.isArray(result.value) ? result.value : [result.value])
        operation[result.done ? 'end' : 'soFar'](String(got))
        return result
      } catch (error) {
        operation.end(`${got}, then ${failure(error)}`)
        throw error
      }
    }
    const ended = { done: true, value: undefined } as const
    return {
      next: () => step(() => iterator.next()),
      return: (value) => step(async () => (await iterator.return?.(value)) ?? ended),
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  #begin(process: string, call: string): Begun {
    const operation = { process, start: now(), end: null as number | null, text: call }
    this.#operations.push(operation)
    const soFar = (outcome: string) => {
      operation.text = outcome === '' ? call : `${call} → ${outcome}`
    }
    const end = (outcome: string) => {
      soFar(outcome)
      operation.end = now()
    }
    return { soFar, end }
  }
}

function now(): number {
  return performance.now() * 1000
}

/** Whether something can be asked to do something: a store, a handle of a hook, checkpoints. */
function isActive(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  if (value instanceof Promise || value instanceof Error || value instanceof Date) return false
  if (isIterable(value) || ArrayBuffer.isView(value)) return false
  const names = ['append', 'store', 'release', 'end', 'save', 'load']
  return names.some((name) => name in value)
}

function isIterable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

function failure(error: unknown): string {
  if (isEventStoreError(error)) return error.code
  return error instanceof Error ? (error.message.split('\n')[0] ?? '').slice(0, 120) : String(error)
}

/** A value in a few words; events by their number, signals not at all. Runs no code of the value. */
function brief(value: unknown): string {
  if (value === undefined || value instanceof AbortSignal) return ''
  if (Array.isArray(value)) {
    const [first] = value as unknown[]
    const isEvent = typeof first === 'object' && first !== null && Object.hasOwn(first, 'data')
    return `${value.length} ${isEvent ? 'event' : 'item'}${value.length === 1 ? '' : 's'}`
  }
  const text = inspect(value, {
    depth: 1,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: 60,
  }).replace(/,? ?signal: AbortSignal \{[^}]*\}/, '')
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`
}

/** What a read or a subscription gave, in a few words however much it is. */
class Given {
  readonly #first: string[] = []
  readonly #last: string[] = []
  #events = 0
  #caughtUp = 0

  constructor(all: readonly unknown[] = []) {
    this.add(all)
  }

  add(all: readonly unknown[]): void {
    for (const one of all) {
      if (typeof one !== 'object' || one === null) continue
      const { event = one, kind } = one as { event?: unknown; kind?: string }
      if (kind === 'caughtUp') this.#caughtUp++
      const { streamId, version } = event as Partial<RecordedEvent>
      if (streamId === undefined) continue
      this.#events++
      const name = `${streamId}@${version}`
      if (this.#first.length < 3) this.#first.push(name)
      else if (this.#last.push(name) > 3) this.#last.shift()
    }
  }

  toString(): string {
    const left = this.#events - this.#first.length - this.#last.length
    const names = [...this.#first, ...(left > 0 ? ['…'] : []), ...this.#last].join(', ')
    const caughtUp = this.#caughtUp > 0 ? `, caughtUp ${this.#caughtUp} times` : ''
    return `${this.#events} ${this.#events === 1 ? 'event' : 'events'}${names ? ` (${names})` : ''}${caughtUp}`
  }
}
