import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Answer } from '../order-service.js'
import type { Operation } from '../request.js'
import type { Sending } from './plan.js'

/** What the service said to a customer: it must be found in the events, whatever crashed since. */
export interface Acknowledged extends Answer {
  readonly operation: Operation
  readonly key: string
}

export interface Reply {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** What happened, as the customers saw it. */
export class Tally {
  /** By status. */
  readonly answers: Record<number, number> = {}
  /** How often another request came first, and the decision was taken again. */
  conflicts = 0
  /** Requests that were sent again although they had been answered, or at the same time. */
  duplicates = 0
  /** Requests that the service found done already, and answered as before. */
  replayed = 0
  /** Requests without an answer, because the service died. They were repeated under the same key. */
  unanswered = 0
  /** Those of them that had taken effect before the service died. */
  unansweredButDone = 0
  readonly acknowledged: Acknowledged[] = []
  /** What should not have happened. */
  readonly surprises: string[] = []
}

/** Sends requests until they are answered. */
export class Client {
  readonly tally = new Tally()
  #url: Promise<string>
  #lastPosition: string | null = null

  constructor(url: string) {
    this.#url = Promise.resolve(url)
  }

  /** How far the service has told that it got. */
  get lastPosition(): string | null {
    return this.#lastPosition
  }

  /** From now on the service is where the promise says; until then, whoever gets no answer waits. */
  moveTo(url: Promise<string>): void {
    this.#url = url
    url.catch(() => undefined) // each request that waits for it fails with it
  }

  /** A request about an order, with its duplicates. */
  async order(
    operation: Operation,
    path: string,
    body: object,
    key: string,
    sending: Sending,
    correlationId: string,
  ): Promise<Reply> {
    const send = () => this.post(path, body, key, correlationId)
    const first = send()
    if (sending === 'twice') await first
    if (sending !== 'once') {
      this.tally.duplicates++
      this.expectSame(`${operation} ${key}`, await first, await send())
    }
    const reply = await first
    if (typeof reply.body.orderId === 'string') {
      this.tally.acknowledged.push({ ...(reply.body as unknown as Answer), operation, key })
    }
    return reply
  }

  expectSame(what: string, first: Reply, second: Reply): void {
    if (!isDeepStrictEqual(first, second)) {
      const answers = `${JSON.stringify(first)}, then ${JSON.stringify(second)}`
      this.tally.surprises.push(`A duplicate got another answer: ${what}: ${answers}`)
    }
  }

  async get(path: string): Promise<Reply> {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(`${await this.#url}${path}`)
      const reply = { status: response.status, body: (await response.json()) as Reply['body'] }
      if (reply.status === 200) return reply
      const told = `${path}: ${reply.status} ${JSON.stringify(reply.body)}`
      if (reply.status !== 503 || attempt >= 20) throw new Error(told)
    }
  }

  async post(path: string, body: object, key: string, correlationId: string): Promise<Reply> {
    let unanswered = false
    for (let attempt = 1; ; attempt++) {
      const url = await this.#url
      try {
        const response = await fetch(`${url}${path}`, {
          method: 'POST',
          headers: {
            'Content-Type': 'application/json',
            'Idempotency-Key': key,
            'X-Correlation-Id': correlationId,
          },
          body: JSON.stringify(body),
        })
        const reply = { status: response.status, body: (await response.json()) as Reply['body'] }
        if (reply.status !== 503 || attempt >= 20) {
          this.#count(response, unanswered)
          return reply
        }
      } catch (error) {
        if (attempt >= 20) throw error
        unanswered = true
        this.tally.unanswered++
      }
      await pause(20 * attempt)
    }
  }

  #count(response: Response, unanswered: boolean): void {
    const { tally } = this
    const position = response.headers.get('Position')
    if (position && (this.#lastPosition === null || position > this.#lastPosition)) {
      this.#lastPosition = position
    }
    tally.answers[response.status] = (tally.answers[response.status] ?? 0) + 1
    tally.conflicts += Number(response.headers.get('Conflicts') ?? 0)
    if (response.headers.has('Idempotent-Replayed')) {
      if (unanswered) tally.unansweredButDone++
      else tally.replayed++
    }
  }
}
