import type { RecordedEvent } from '@annals/core'
import { said, Violation } from './check.js'

/** What both kinds of subscription give. */
export interface MessageLike {
  readonly kind: 'event' | 'caughtUp' | 'progress'
}

/** Consumes a subscription in the background and tells those who wait of each message. */
export class Collector<M extends MessageLike> {
  readonly messages: M[] = []
  /** Set once the iteration has ended by itself. */
  ended: { readonly error: unknown } | { readonly error: undefined } | undefined
  readonly #name: string
  readonly #iterator: AsyncIterator<M>
  readonly #done: Promise<void>
  #waiting: (() => void)[] = []
  #stopping = false

  constructor(name: string, source: AsyncIterable<M>) {
    this.#name = name
    this.#iterator = source[Symbol.asyncIterator]()
    this.#done = this.#run()
  }

  get events(): RecordedEvent[] {
    return this.messages.flatMap((message) =>
      message.kind === 'event' ? [(message as unknown as { event: RecordedEvent }).event] : [],
    )
  }

  get ids(): string[] {
    return this.events.map((event) => event.id)
  }

  /**
   * Whether these events have come, or the subscription says that it is past them: then what is missing will not come
   * any more, and a comparison can say what it is.
   */
  reached(events: readonly RecordedEvent[]): boolean {
    const last = events.at(-1)
    if (this.events.length >= events.length || last === undefined) return true
    const message = this.messages.at(-1) as
      | { kind: string; position?: string; version?: number }
      | undefined
    if (message === undefined || message.kind === 'event') return false
    return message.position !== undefined
      ? message.position >= last.position
      : (message.version ?? 0) >= last.version
  }

  /** How many messages of a kind have come. */
  count(kind: MessageLike['kind']): number {
    return this.messages.filter((message) => message.kind === kind).length
  }

  /** What has come so far, in a few words. */
  toString(): string {
    const last = this.messages.at(-1)
    const place = (['position', 'version'] as const).flatMap((key) => {
      const value: unknown = last && (last as unknown as Record<string, unknown>)[key]
      return value === undefined ? [] : [` at ${String(value)}`]
    })
    return `${this.#name}: so far ${this.count('event')} events, ${this.count('caughtUp')} caughtUp, ${this.count('progress')} progress; the last message is ${last?.kind ?? 'none'}${place}`
  }

  /** Resolves as soon as the condition holds; fails where the subscription ends first. */
  async until(condition: (collector: this) => boolean): Promise<void> {
    while (!condition(this)) {
      if (this.ended)
        throw new Violation(
          `a subscription ended although nobody ended it (${this})`,
          said('to go on'),
          this.ended.error ?? said('the end of the iteration, without an error'),
          { cause: this.ended.error },
        )
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Resolves when the iteration has ended, for whatever reason. */
  async finished(): Promise<void> {
    await this.#done
  }

  /** Ends the iteration as a consumer does that leaves its loop. */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    await this.#iterator.return?.()
    await this.#done
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const next = await this.#iterator.next()
        if (next.done) break
        this.messages.push(next.value)
        this.#tell()
      }
      this.ended = { error: undefined }
    } catch (error) {
      this.ended = { error }
    }
    this.#tell()
  }

  #tell(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
