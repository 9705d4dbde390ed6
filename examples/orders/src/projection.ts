import type { EventStore, Position } from 'annals'
import type { ModelFile } from './model-file.js'
import { emptyModel, type OrdersModel, project, type ShopEvent } from './read-model.js'

const subscriptionId = 'orders-read-model'

/** So many events at most are read again after a crash under load. */
const saveEvery = 100
/** In a quiet time the model is kept at most this much behind. */
const saveAfterMs = 1000

/** Where the read model went on when the service started. */
export interface Resumption {
  /** Null: it was built from the first event. */
  readonly position: Position | null
  /** How many events had gone into it by then. */
  readonly events: number
  /** How many were read to catch up. */
  caughtUpWith: number
}

/**
 * Keeps the read model up to date by a subscription.
 *
 * The model and the position that it is at are kept in one file, so they always fit each other: after a crash the
 * subscription goes on from the file's position, and the events since go in once more into a model that has not seen them.
 * The store's checkpoint is moved first, by compare-and-set: of two processes that keep the same model, one is refused
 * and stops. It also tells whether the file belongs to this store: a file that is ahead of the checkpoint cannot, so the
 * model is then built again from the first event.
 */
export class Projection {
  readonly #store: EventStore
  readonly #file: ModelFile
  readonly #stop = new AbortController()
  readonly #waiting = new Set<Waiter>()
  #model: OrdersModel = emptyModel()
  #position: Position | null = null
  #resumed: Resumption = { position: null, events: 0, caughtUpWith: 0 }
  #onCaughtUp: (() => void) | undefined
  #checkpoint: Position | null = null
  #saved = { events: 0, at: Date.now() }
  #failure: unknown
  #running: Promise<void> = Promise.resolve()

  constructor(store: EventStore, file: ModelFile) {
    this.#store = store
    this.#file = file
  }

  get model(): OrdersModel {
    return this.#model
  }

  /** The model has seen everything up to here. */
  get position(): Position | null {
    return this.#position
  }

  get resumed(): Resumption {
    return this.#resumed
  }

  /** Resolves when the model has seen what was there at the start. */
  async start(): Promise<void> {
    const kept = await this.#file.read()
    this.#checkpoint = await this.#store.checkpoints.load(subscriptionId)
    if (kept && this.#checkpoint !== null && kept.position <= this.#checkpoint) {
      this.#model = kept.model
      this.#position = kept.position
    }
    this.#resumed = { position: this.#position, events: this.#model.events, caughtUpWith: 0 }
    this.#saved.events = this.#model.events
    await new Promise<void>((resolve, reject) => {
      this.#onCaughtUp = () => {
        this.#onCaughtUp = undefined
        this.#resumed.caughtUpWith = this.#model.events - this.#resumed.events
        resolve()
      }
      this.#running = this.#run().then(resolve, (error: unknown) => {
        this.#fail(error)
        reject(error)
      })
    })
  }

  /** Resolves when the model has seen everything up to the position: an answer that a request gave can be found in it. */
  async reached(position: Position, signal: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#position !== null && this.#position >= position) return
    signal.throwIfAborted()
    let waiter: Waiter | undefined
    let giveUp: (() => void) | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        waiter = { position, resolve, reject }
        giveUp = () => reject(signal.reason)
        this.#waiting.add(waiter)
        signal.addEventListener('abort', giveUp)
      })
    } finally {
      this.#waiting.delete(waiter!)
      signal.removeEventListener('abort', giveUp!)
    }
  }

  /** Ends the subscription and keeps the model. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
    if (this.#failure === undefined) await this.#save()
    this.#fail(new Error('The read model was stopped'))
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const messages = this.#store.subscribeToAll<ShopEvent>({
      after: this.#position ?? 'start',
      filter: { categories: ['Order', 'Stock'] },
      signal,
    })
    try {
      for await (const message of messages) {
        if (message.kind === 'event') project(this.#model, message.event)
        this.#advance(message.kind === 'event' ? message.event.position : message.position)
        if (message.kind === 'caughtUp') {
          this.#onCaughtUp?.()
        }
        const unsaved = this.#model.events - this.#saved.events
        const quiet = message.kind !== 'event' && Date.now() - this.#saved.at >= saveAfterMs
        if (unsaved >= saveEvery || (unsaved > 0 && quiet)) await this.#save()
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  #advance(position: Position): void {
    this.#position = position
    for (const waiter of this.#waiting) {
      if (waiter.position <= position) waiter.resolve()
    }
  }

  async #save(): Promise<void> {
    const position = this.#position
    if (position === null || position === this.#checkpoint) return
    // First the checkpoint: whoever is refused here must not touch the file.
    await this.#store.checkpoints.save(subscriptionId, position, { expected: this.#checkpoint })
    this.#checkpoint = position
    await this.#file.write({ position, model: this.#model })
    this.#saved = { events: this.#model.events, at: Date.now() }
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    for (const waiter of this.#waiting) waiter.reject(this.#failure)
  }
}

interface Waiter {
  readonly position: Position
  resolve(): void
  reject(reason: unknown): void
}
