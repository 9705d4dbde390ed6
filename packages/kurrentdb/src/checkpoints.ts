import { CorruptError, type Position } from '@annals/core'
import type { Context } from './context.js'
import { writeOwn } from './own-streams.js'
import { positionPattern } from './positions.js'
import { readLast } from './read.js'

/**
 * A checkpoint is the last event of a stream of its own; each save is an append that expects the revision of the one
 * before, so the server itself compares and sets. What was last seen is remembered, so that the one owner of a
 * subscription saves with one request; whoever else moves the checkpoint is noticed by the revision.
 */
interface Known {
  /** Null: nothing was ever written. */
  readonly revision: bigint | null
  /** Undefined: another tool wrote something that is not a checkpoint. */
  readonly position: Position | null | undefined
}

export class Checkpoints {
  readonly #context: Context
  readonly #known = new Map<string, Known>()

  constructor(context: Context) {
    this.#context = context
  }

  async load(subscriptionId: string, signal: AbortSignal): Promise<Position | null> {
    return readable(subscriptionId, await this.#read(subscriptionId, signal))
  }

  /** Null where it was saved, else what is there instead. */
  async save(
    subscriptionId: string,
    position: Position | null,
    expected: Position | null | undefined,
    signal: AbortSignal,
  ): Promise<null | { readonly actual: Position | null }> {
    const name = this.#context.names.checkpointStream(subscriptionId)
    let known = this.#known.get(subscriptionId)
    // What is remembered may be out of date: it serves to save, never to refuse.
    let fresh = false
    for (;;) {
      if (!known || (!fresh && expected !== undefined && known.position !== expected)) {
        known = await this.#read(subscriptionId, signal)
        fresh = true
      }
      if (expected !== undefined && known.position !== expected)
        return { actual: readable(subscriptionId, known) }
      this.#known.delete(subscriptionId)
      const event = { type: 'checkpoint', data: JSON.stringify({ position }) }
      const revision = await writeOwn(this.#context, name, event, known.revision)
      if (revision !== null) {
        this.#remember(subscriptionId, { revision, position })
        return null
      }
      known = undefined
      fresh = false
    }
  }

  async #read(subscriptionId: string, signal: AbortSignal): Promise<Known> {
    const record = await readLast(
      this.#context,
      this.#context.names.checkpointStream(subscriptionId),
      signal,
    )
    const known = record
      ? { revision: record.revision, position: positionIn(record.data) }
      : { revision: null, position: null }
    this.#remember(subscriptionId, known)
    return known
  }

  #remember(subscriptionId: string, known: Known): void {
    // A process has a handful of subscriptions; ids made up without end must not fill its memory.
    if (this.#known.size >= 1_000) this.#known.clear()
    this.#known.set(subscriptionId, known)
  }
}

function positionIn(data: Uint8Array): Position | null | undefined {
  try {
    const { position } = JSON.parse(Buffer.from(data).toString('utf8')) as { position?: unknown }
    if (position === null) return null
    if (typeof position === 'string' && positionPattern.test(position)) return position
  } catch {
    // Not JSON, so not a checkpoint.
  }
  return undefined
}

function readable(subscriptionId: string, { position }: Known): Position | null {
  if (position !== undefined) return position
  throw new CorruptError(
    `Checkpoint ${JSON.stringify(subscriptionId)} cannot be read: another tool wrote to its stream. Save it without \`expected\`, or delete it.`,
  )
}
